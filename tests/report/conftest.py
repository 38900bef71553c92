"""A page's content with every section, made up."""

import numpy as np
import pandas as pd
import pytest

from humanlike.alignment.report import report
from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH
from humanlike.canonical.masks import (
    ACTION_UNITS_WITH_REGION,
    action_unit_region,
    ekman_mask,
)
from humanlike.expressions import ACTION_UNITS, EXPRESSIONS
from humanlike.report.content import Content, Example, Reference

HOSTILE = '<script>alert("x")</script>'


def blob(rng: np.random.Generator) -> np.ndarray:
    """A heatmap with a few hills."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    hills = [(rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT), rng.uniform(15, 60)) for _ in range(5)]
    return sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * s**2)) for a, b, s in hills)


def make(networks: list[str], **changed: object) -> Content:
    """Content about some networks; `changed` replaces fields."""
    rng = np.random.default_rng(0)
    labels = list(EXPRESSIONS)
    masks = {label: ekman_mask(label) for label in labels}
    heatmaps = {(network, label): blob(rng) for network in networks for label in labels}
    found = report(
        {(network, 0, label): heatmap for (network, label), heatmap in heatmaps.items()},
        masks,
        regions={unit: action_unit_region(unit) for unit in ACTION_UNITS_WITH_REGION},
        action_units=ACTION_UNITS,
    )
    size = 64
    segments = (np.mgrid[:size, :size] // 16 * np.array([[[4]], [[1]]])).sum(axis=0)
    weights = np.append(rng.normal(size=16), np.nan)
    example = Example(
        network=networks[0],
        fold=0,
        predicted="fear",
        truth="anger",
        landmarks=LANDMARKS * size / HEIGHT,
        importance=np.abs(weights[segments]),
        standardised=blob(rng),
        segments=segments,
        weights=weights,
        r2=0.6,
    )
    curve = np.linspace(0, 1, 21)
    fields: dict = {
        "labels": labels,
        "networks": networks,
        "references": [
            Reference(
                key="ekman",
                name="Ekman's action units",
                question="Do the networks look where the theory says?",
                about="About the masks.",
                summary={**found.summary, "iou_interval": {"low": 0.1, "high": 0.3}},
                networks=found.networks,
                scores=found.by_expression,
                matrix=found.matrix,
                masks=masks,
            )
        ],
        "heatmaps": heatmaps,
        "face": rng.integers(60, 200, (HEIGHT, WIDTH), dtype=np.uint8),
        "evidence": {"fear": blob(rng)},
        "evidence_reliability": {"fear": 0.9},
        "examples": [example],
        "attention": found.attention,
        "similarity": {
            "anger": pd.DataFrame(np.eye(len(networks)), networks, networks).clip(lower=0.4)
        },
        "accuracy": pd.DataFrame({"network": networks, "fold": 0, "accuracy": 0.8}),
        "confusion": pd.DataFrame(
            [(network, 0, label, labels[0]) for network in networks for label in labels],
            columns=["network", "fold", "expression", "predicted"],
        ),
        "histories": {
            (network, 0): pd.DataFrame({"accuracy": [0.2, 0.7], "val_accuracy": [0.3, 0.6]})
            for network in networks
        },
        "explained": pd.DataFrame(
            [
                (network, fold, label, 7)
                for network in networks
                for fold in (0, 1)
                for label in labels
            ],
            columns=["network", "fold", "expression", "explained"],
        ),
        "explainer": {
            "r2": {"mean": 0.6} | dict.fromkeys(networks, 0.6),
            "stability": {"maps": {"mean": 0.9}},
            "deletion": {"mean": 0.1},
        },
        "curves": pd.DataFrame(
            [
                (network, name, share, share**power)
                for network in networks
                for name, power in (("deletion", 0.2), ("insertion", 3), ("random", 1))
                for share in curve
            ],
            columns=["network", "curve", "share", "probability"],
        ),
        "left_out": pd.DataFrame(
            {
                "source": [HOSTILE, "photo\u202egnp.exe", "a\nb"],
                "reason": ["no face was found", "no face was found", HOSTILE],
            }
        ),
        "made": {"Data and code": {"commit": "0123abc", "data": HOSTILE}},
        "missing": ["Something: it is not here."],
    }
    return Content(**{**fields, **changed})


@pytest.fixture(scope="session")
def content() -> Content:
    return make(["weinet", HOSTILE])

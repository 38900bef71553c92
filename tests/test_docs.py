"""What the documents say of the results that come with the project."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from humanlike.explainers.methods import METHODS
from humanlike.expressions import EXPRESSIONS
from humanlike.networks.registry import NETWORKS

ROOT = Path(__file__).parents[1]
UNNAMED = {"mean", "low", "high", "networks", *EXPRESSIONS, *NETWORKS}


def names(values: object) -> Iterator[str]:
    """Every key of nested figures but those that only say whose figure it is."""
    if isinstance(values, dict):
        for key, value in values.items():
            if key not in UNNAMED:
                yield key
            yield from names(value)


WRITTEN = ("metrics/train", "metrics/score", "metrics/explain", "plots/score/summary",
           "plots/score/explanations")  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_every_figure_is_explained(name: str) -> None:
    path = ROOT / f"{name}.json"
    if not (ROOT / "plots/score/summary.json").exists():
        pytest.skip("the committed results are older than these files")
    figures = set(names(json.loads(path.read_text())))
    assert figures
    text = (ROOT / "docs" / "scores.md").read_text()
    missing = {f for f in figures if f"`{f}`" not in text and f".{f}`" not in text}
    missing = {f for f in missing if f"`{f}." not in text}
    assert not missing


def test_the_diff_that_adds_a_method_applies() -> None:
    text = (ROOT / "docs" / "explainers.md").read_text()
    found = re.search(r"```diff\n(.*?)```", text, re.DOTALL)
    assert found
    done = subprocess.run(
        ["git", "apply", "--check", "-"], cwd=ROOT, input=found[1], text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_every_method_is_explained() -> None:
    text = (ROOT / "docs" / "explainers.md").read_text()
    assert all(f"| `{method}` |" in text for method in METHODS)

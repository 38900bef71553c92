import numpy as np
import pytest

from humanlike.explainers.faithfulness import CURVES, SHARES
from humanlike.report.explanations import Checks


def unit(maps: np.ndarray, again: np.ndarray, predicted: list[str], level: float) -> dict:
    checked = np.zeros(len(maps), bool)
    checked[: len(again)] = True
    curves = np.full((len(again), len(CURVES), len(SHARES)), level, np.float32)
    return {
        "maps": maps,
        "maps_again": again,
        "checked": checked,
        "predicted": np.array(predicted),
        "curves": curves,
    }


def test_stability_is_the_correlation_of_maps_and_of_their_means() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 4, 6, 5)).astype(np.float32)
    checks = Checks()
    checks.add("weinet", unit(first, second[:2], ["fear"] * 4, 0.5))
    checks.add("weinet", unit(second, second[:1], ["fear"] * 4, 0.25))
    found = checks.metrics()
    alike = [np.corrcoef(first[i].ravel(), second[i].ravel())[0, 1] for i in (0, 1)] + [1]
    assert found["stability"]["maps"]["mean"] == pytest.approx(np.mean(alike), abs=1e-5)
    sums = [first[0] + first[1] + second[0], second[0] + second[1] + second[0]]
    together = np.corrcoef(*(s.ravel() for s in sums))[0, 1]
    assert found["stability"]["heatmaps"]["weinet"] == pytest.approx(together, abs=1e-5)
    assert found["deletion"] == pytest.approx({"mean": 1.25 / 3, "weinet": 1.25 / 3}, abs=1e-5)
    curves = checks.mean_curves()
    assert set(curves["curve"]) == set(CURVES) and len(curves) == len(CURVES) * len(SHARES)
    assert curves["probability"].to_numpy() == pytest.approx(1.25 / 3)


def test_nothing_checked_is_nothing_known() -> None:
    maps = np.ones((3, 6, 5), np.float32)
    checks = Checks()
    checks.add("weinet", unit(maps, maps[:0], ["fear"] * 3, 0))
    found = checks.metrics()
    assert found["stability"] == {"maps": {"mean": None}, "heatmaps": {"mean": None}}
    assert found["insertion"] == {"mean": None}
    assert checks.mean_curves().empty

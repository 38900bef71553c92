import numpy as np
import pytest

from humanlike.explainers.faithfulness import CURVES, SHARES
from humanlike.report.explanations import Checks


def unit(checked: int, predicted: list[str], level: float) -> dict:
    curves = np.full((checked, len(CURVES), len(SHARES)), level, np.float32)
    return {
        "checked": np.arange(len(predicted)) < checked,
        "predicted": np.array(predicted),
        "curves": curves,
    }


def test_stability_is_the_correlation_of_maps_and_of_their_means() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 4, 6, 5)).astype(np.float32)
    checks = Checks()
    checks.add("weinet", unit(2, ["fear"] * 4, 0.5), zip(first[:2], second[:2], strict=True))
    checks.add("weinet", unit(1, ["fear"] * 4, 0.25), [(second[0], second[0])])
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
    checks = Checks()
    checks.add("weinet", unit(0, ["fear"] * 3, 0), [])
    found = checks.metrics()
    assert found["stability"] == {"maps": {"mean": None}, "heatmaps": {"mean": None}}
    assert found["insertion"] == {"mean": None}
    assert checks.mean_curves().empty

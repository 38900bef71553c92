from humanlike.report.words import in_words

SUMMARY = {
    "iou": 0.3,
    "other_masks": 0.25,
    "reliability": 0.5,
    "ceiling": None,
    "permutation_p": 0.4,
    "chance": {"area": 0.14, "shift": 0.15},
    "prior": {"ellipse": 0.39, "white": 0.26, "grand_mean": 0.38},
    "verdict": "So it is.",
}


def test_an_unknown_interval_is_said_to_be_unknown() -> None:
    lines = in_words({**SUMMARY, "iou_interval": None}).splitlines()
    assert [line.split()[-1] for line in lines[:3]] == ["0.300", "unknown", "unknown"]


def test_an_interval_stands_below_its_score() -> None:
    ends = {"low": 0.2, "high": 0.41}
    lines = in_words({**SUMMARY, "iou_interval": ends}).splitlines()
    assert [line.split()[-1] for line in lines[:3]] == ["0.300", "0.200", "0.410"]

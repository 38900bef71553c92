import pytest

from humanlike.report.answers import answer, figure, p_value


def summary(iou=0.3, placed=0.01, specific=0.01, ellipse=0.2, **others) -> dict:
    return {
        "iou": iou,
        "chance": {"shift": 0.15, "shift_p": placed},
        "permutation_p": specific,
        "prior": {"ellipse": ellipse},
        **others,
    }


@pytest.mark.parametrize(
    ("given", "begins", "tone"),
    [
        (summary(), "Yes:", "yes"),
        (summary(ellipse=0.39), "In part:", "partly"),
        (summary(specific=0.4), "Not for the expression:", "no"),
        (summary(specific=None), "More than by chance; for which", "partly"),
        (summary(placed=0.2), "No: their heatmaps fit no better than by chance.", "no"),
        (summary(iou=None), "There is nothing to score.", "no"),
        ({"iou": 0.3}, "How they compare with chance is not known.", "no"),
    ],
)
def test_headline(given, begins, tone) -> None:
    said = answer(given)
    assert said.headline.startswith(begins) and said.tone == tone


def test_a_better_stencil_is_always_said() -> None:
    for specific in (0.4, None, 0.01):
        said = answer(summary(specific=specific, ellipse=0.39))
        assert "fixed ellipse" in said.headline and "better" in said.headline
        assert (
            "scores .390: more than the heatmaps do" in dict(said.reasons)["Better than a stencil?"]
        )


def test_how_sure_is_said_or_that_it_is_not_known() -> None:
    interval, subjects = {"low": 0.226, "high": 0.296}, {"low": 0.24, "high": 0.28}
    known = answer(summary(iou_interval=interval, iou_interval_subjects=subjects)).reasons[0][1]
    assert "95\xa0% interval: .226 to .296." in known
    assert "the same trained networks: .240 to .280." in known
    assert "cannot be told" in answer(summary(iou_interval=None)).reasons[0][1]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.2614, ".261"), (-0.1321, "−.132"), (1, "1.000"), (0, ".000"), (-0.0001, ".000"),
     (12.5, "12.500"), (None, "–"), (float("nan"), "–")],
)  # fmt: skip
def test_figures_as_papers_print_them(value, text) -> None:
    assert figure(value) == text


def test_p_values() -> None:
    assert p_value(0.0002) == "p\xa0<\xa0.001" and p_value(0.4278) == "p\xa0=\xa0.428"

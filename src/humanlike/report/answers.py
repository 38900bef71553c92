"""The answer that a run gives, in words for people who have not read the paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from humanlike.alignment.report import SIGNIFICANT


@dataclass(frozen=True)
class Answer:
    """A headline, what it rests on, and how bright or dark it looks.

    Attributes
    ----------
    headline : str
        The answer in one sentence.
    tone : str
        yes, partly or no.
    reasons : tuple of (str, str)
        A question that a reader has, and what the figures say to it.
    """

    headline: str
    tone: str
    reasons: tuple[tuple[str, str], ...]


def answer(summary: Mapping[str, Any]) -> Answer:
    """Say what a summary means.

    Parameters
    ----------
    summary : mapping
        As in `alignment.report.Report.summary`. Any figure may be missing or None: what is not
        known is not said.
    """
    iou = summary.get("iou")
    if iou is None:
        return Answer("There is nothing to score.", "no", ())
    chance, prior = summary.get("chance") or {}, summary.get("prior") or {}
    headline, tone = _headline(
        iou, chance.get("shift_p"), summary.get("permutation_p"), prior.get("ellipse")
    )
    reasons = (
        _overlap(iou, summary.get("iou_interval"), summary.get("iou_interval_subjects")),
        _luck(chance.get("shift"), chance.get("shift_p")),
        _expression(iou, summary.get("other_masks"), summary.get("permutation_p")),
        _blob(iou, prior.get("ellipse")),
        _best(summary.get("ceiling"), summary.get("reliability")),
    )
    return Answer(headline, tone, tuple(reason for reason in reasons if reason))


def _headline(
    iou: float, placed: float | None, specific: float | None, ellipse: float | None
) -> tuple[str, str]:
    beaten = ellipse is not None and ellipse >= iou
    if placed is None:
        return "How they compare with chance is not known.", "no"
    if placed > SIGNIFICANT:
        return "No: their heatmaps fit no better than by chance.", "no"
    if specific is None:
        said = "More than by chance; for which expression cannot be told from so few of them"
        return f"{said}{', and a fixed ellipse fits better' if beaten else ''}.", "partly"
    if specific > SIGNIFICANT:
        said = "Not for the expression: they look at the face, but no more at the regions of the"
        said += " expression than at those of others"
        return f"{said}{', and a fixed ellipse fits better' if beaten else ''}.", "no"
    if beaten:
        said = "In part: at the regions of the expression more than at others', but a fixed ellipse"
        return f"{said} in the middle of the face fits better.", "partly"
    return "Yes: at the regions of the expression, more than chance explains.", "yes"


def _overlap(
    iou: float, interval: Mapping[str, float] | None, subjects: Mapping[str, float] | None
) -> tuple[str, str]:
    ends = {
        "95\xa0% interval": interval,
        "For other people and the same trained networks": subjects,
    }
    known = [
        f"{words}: {figure(found['low'])} to {figure(found['high'])}."
        for words, found in ends.items()
        if found
    ]
    return "How much, and how sure?", (
        f"Heatmap and region overlap by {figure(iou)} on average (intersection over union; 0 is "
        "nothing in common, 1 the same region). "
        + (" ".join(known) or "How sure that is, cannot be told from so few people and trainings.")
    )


def _luck(shift: float | None, p: float | None) -> tuple[str, str] | None:
    if shift is None or p is None:
        return None
    verdict = "luck does not explain it" if p <= SIGNIFICANT else "luck explains it"
    return "Better than luck?", (
        f"The same heatmaps moved anywhere else on the face score {figure(shift)}: {verdict} "
        f"({p_value(p)})."
    )


def _expression(iou: float, others: float | None, p: float | None) -> tuple[str, str] | None:
    if others is None:
        return None
    if p is None:
        verdict = "with so few expressions, no test can tell whether that is luck"
    elif p <= SIGNIFICANT:
        verdict = f"their own expression's fit better ({p_value(p)})"
    else:
        verdict = f"their own expression's do not fit reliably better ({p_value(p)})"
    return "For this expression, or for any?", (
        f"Against the regions of the other expressions the same heatmaps score {figure(others)}, "
        f"against their own {figure(iou)}: {verdict}."
    )


def _blob(iou: float, ellipse: float | None) -> tuple[str, str] | None:
    if ellipse is None:
        return None
    verdict = "more than the heatmaps do" if ellipse >= iou else "less than the heatmaps do"
    return "Better than a stencil?", (
        f"A fixed ellipse in the middle of the face, which knows no network and no expression, "
        f"scores {figure(ellipse)}: {verdict}."
    )


def _best(ceiling: float | None, reliability: float | None) -> tuple[str, str] | None:
    parts = []
    if ceiling is not None:
        parts.append(
            f"An explainer that named the regions perfectly, as finely as this one can, would "
            f"score {figure(ceiling)}."
        )
    if reliability is not None:
        parts.append(
            f"Two trainings of one network agree with each other by {figure(reliability)}."
        )
    return ("What could be reached?", " ".join(parts)) if parts else None


def figure(value: float | None, digits: int = 3) -> str:
    """A score as papers print it; a dash where it is not known.

    Examples
    --------
    >>> [figure(value) for value in (0.2612, -0.1318, 1, None)]
    ['.261', '−.132', '1.000', '–']
    """
    if value is None or value != value:
        return "–"
    text = f"{abs(value):.{digits}f}"
    text = text[1:] if text.startswith("0.") else text
    return f"−{text}" if value < 0 and float(text) else text


def p_value(value: float) -> str:
    """A p-value as papers print it, never broken over two lines."""
    return "p\xa0<\xa0.001" if value < 0.001 else f"p\xa0=\xa0{figure(value)}"

"""Results as lines for a terminal."""

from __future__ import annotations


def in_words(summary: dict) -> str:
    """The mean IoU beside what it is worth, and what follows, in words."""
    chance, prior = summary["chance"], summary["prior"]
    interval = summary["iou_interval"] or {}
    rows = [
        ("IoU with the expression's own mask", summary["iou"]),
        ("  its 95 % interval, from", interval.get("low")),
        ("  to", interval.get("high")),
        ("with the masks of the other expressions", summary["other_masks"]),
        ("random pixels, as many", chance["area"]),
        ("the same region anywhere else", chance["shift"]),
        ("a fixed ellipse in the middle", prior["ellipse"]),
        ("all white", prior["white"]),
        ("the mean of all heatmaps", prior["grand_mean"]),
        ("one fold with another", summary["reliability"]),
        ("a perfect explainer of these superpixels", summary["ceiling"]),
        ("permuting the masks: p", summary["permutation_p"]),
    ]
    return "\n".join([*in_columns(rows), "", summary["verdict"]])


def of_explanations(metrics: dict) -> str:
    """What LIME itself is worth on these networks: fit, stability and faithfulness."""
    rows = [
        ("R² of LIME's linear surrogate", metrics["r2"]["mean"]),
        ("other samples: correlation of maps", metrics["stability"]["maps"]["mean"]),
        ("other samples: correlation of heatmaps", metrics["stability"]["heatmaps"]["mean"]),
        ("probability while the weightiest go first", metrics["deletion"]["mean"]),
        ("while superpixels come or go at random", metrics["random"]["mean"]),
        ("while the weightiest come first", metrics["insertion"]["mean"]),
    ]
    return "\n".join(in_columns(rows))


def in_columns(rows: list[tuple[str, float | None]]) -> list[str]:
    """A line for each name and figure."""
    return [f"{name:<42}{'unknown' if v is None else format(v, '.3f'):>8}" for name, v in rows]

"""The last run as one page that opens from disk."""

from __future__ import annotations

from pathlib import Path

from humanlike import artifacts, times
from humanlike.params import load
from humanlike.report.gather import gather, reference_masks
from humanlike.report.made import how_made, method_name, remarks
from humanlike.report.page import render

PAGE = artifacts.PLOTS / "report.html"


def run(output: Path = PAGE) -> None:
    """Write the page of the last run, and print where it is.

    DVC does not track it, as it names the commit and the processor: the same result has another
    page after another commit.
    """
    params = load()
    root = Path()
    page = render(
        gather(
            root,
            params.labels,
            references=reference_masks(params),
            method=method_name(params.explain.method),
            positive_only=params.standardize.positive_only,
            faces=params.report.faces,
            colours=params.report.colours,
            remarks=remarks(params),
            made={"Times on this machine": times.of_run(params), **how_made(root, params)},
        )
    )
    artifacts.write_bytes(output, page.encode("utf-8", "backslashreplace"))
    print(f"Report: {output} ({output.stat().st_size / 1e6:.1f} MB; opens in any browser)")

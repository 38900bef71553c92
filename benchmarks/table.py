"""Write the tables of speed into the documents, from benchmarks/results.

    python benchmarks/table.py

Between ``<!-- speed: NAME -->`` and ``<!-- /speed -->`` each document gets what `PARTS` makes of
the figures that `benchmarks/explain.py` has measured on each processor.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = tuple(ROOT / name for name in ("README.md", "docs/speed.md", "docs/scaling.md"))
PART = re.compile(r"(<!-- speed: (\w+) -->)(.*?)(<!-- /speed -->)", re.DOTALL)

Result = dict[str, Any]

#: Cores that other work may take for the clock to be trusted.
QUIET = 0.1


def main() -> None:
    found = results()
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8"), found), encoding="utf-8")


def results() -> list[Result]:
    """What was measured on each processor, in order of their files' names."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))]


def filled(text: str, found: list[Result]) -> str:
    """A document with its marked parts made anew."""
    return PART.sub(lambda part: part[1] + PARTS[part[2]](found) + part[4], text)


def tables(found: list[Result]) -> str:
    """A table for each processor, a row for each network and precision, and the means below."""
    return "\n" + "\n".join(_table(result) for result in found)


def _table(result: Result) -> str:
    rows = _timed(result)
    quiet = all(row["load"] < QUIET for row in rows)
    timed: dict[int, list[str]] = {}
    for row in rows:
        networks = timed.setdefault(row["package"], [])
        networks += [row["network"]] if row["network"] not in networks else []
    few = "".join(
        f"; {n} of the package's 1,000 samples timed"
        + (f" with {' and '.join(networks)}" if len(timed) > 1 else "")
        for n, networks in timed.items()
        if n < 1000
    )
    alone = "" if quiet else "; among other work, so that the clock tells nothing"
    lines = [
        f"**{result['processor']}, {result['cores']} cores**{few}{alone}",
        "",
        "| network | precision | `lime` | ours | times | times by the clock | samples | faces |"
        " error of `lime`'s | of ours | moved | least alike | heatmaps |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lower = row["precision"] != "float32"
        cells = [
            row["network"],
            row["precision"],
            f"{row['package_cpu']:.1f}",
            f"{row['cpu']:.2f}",
            f"{row['cpu_times']:.1f}",
            f"{row['times']:.1f}" if quiet else "",
            str(row["samples"]),
            str(row["faces"]),
            _share(row["package_error"]),
            _share(row["error"]),
            _share(row["apart"]) if lower else "",
            # Heatmaps were not compared in every run.
            *(
                f"{row[key]:.4f}".lstrip("0") if lower and key in row else ""
                for key in ("alike", "heatmap")
            ),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    for key, title in (("cpu_times", "times"), ("times", "times by the clock"))[: 1 + quiet]:
        means = ", ".join(f"{value:.1f} in {name}" for name, value in _means(result, key).items())
        lines += ["", f"Geometric mean of the {title}: {means}."]
    left = [row for row in result["networks"] if row not in rows]
    if left:
        lines += ["", "Left out, as `explain.precision: auto` leaves them: " + _why(left) + "."]
    return "\n".join([*lines, ""])


def _timed(result: Result) -> list[Result]:
    """The networks in every precision but those that were left out."""
    return [row for row in result["networks"] if "times" in row]


def _why(left: list[Result]) -> str:
    """What each precision that was left out makes of its network."""
    return ", ".join(
        f"{row['network']} in {row['precision']} ("
        + ("not to be computed" if row["left_out"] is None else f"moved {_share(row['left_out'])}")
        + ")"
        for row in left
    )


def _share(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _means(result: Result, key: str) -> dict[str, float]:
    """Geometric means over the networks, of each precision and of the best of each network."""
    times: dict[str, list[float]] = {}
    best: dict[str, float] = {}
    for row in _timed(result):
        times.setdefault(row["precision"], []).append(row[key])
        best[row["network"]] = max(best.get(row["network"], 0.0), row[key])
    means = {name: math.exp(sum(map(math.log, some)) / len(some)) for name, some in times.items()}
    if len(times) > 1:
        some = list(best.values())
        means["the better of each network"] = math.exp(sum(map(math.log, some)) / len(some))
    return means


def extremes(found: list[Result]) -> str:
    """The networks that gain least and most, each in its better precision, in words."""
    best: dict[tuple[str, str], Result] = {}
    for processor, row in ((one["processor"], row) for one in found for row in _timed(one)):
        key = (processor, row["network"])
        best[key] = max(best.get(key, row), row, key=lambda row: row["cpu_times"])
    least, most = (pick(best.values(), key=lambda row: row["cpu_times"]) for pick in (min, max))
    return (
        f"{least['cpu_times']:.0f} times as fast for {least['network']},"
        f" {most['cpu_times']:.0f} times for {most['network']}"
    )


def others(found: list[Result]) -> str:
    """What was measured besides, of each processor."""
    lines = []
    for result in found:
        if "e_preprocess_ratio" not in result:
            continue
        same = "the same bytes" if result["d_identical"] else "other bytes"
        lines.append(
            f"- {result['processor']}: 200 faces take {result['c_peak_mib_200']:.0f} MB and 20 take"
            f" {result['c_peak_mib_20']:.0f}; two Dask workers of one thread each are"
            f" {result['d_ratio']:.2f} times as fast as one ({same}); `standardize` is"
            f" {result['e_standardize_ratio']:.0f} times as fast as scikit-image's"
            f" `PiecewiseAffineTransform`, and `preprocess` takes"
            f" {result['e_preprocess_ratio']:.2f} times as long as dlib's bare detection and"
            " landmarks."
        )
    return "\n".join(["", *lines, ""])


def growth(found: list[Result]) -> str:
    """What each stage takes with more and more faces on each processor, and what one more costs."""
    lines = []
    for result in found:
        if "scaling" not in result:
            continue
        rows = result["scaling"]["stages"]
        stages = list(dict.fromkeys(row["stage"] for row in rows))
        lines += [
            f"**{result['processor']}, {result['cores']} cores**:",
            "",
            "| stage | faces | seconds | MB at most | ms for one more | kB for one more |",
            "|---|---|---|---|---|---|",
        ]
        for stage in stages:
            before = None
            for row in (row for row in rows if row["stage"] == stage):
                more = ["", ""]
                if before is not None:
                    faces = row["faces"] - before["faces"]
                    more = [
                        f"{(row['seconds'] - before['seconds']) / faces * 1e3:.1f}",
                        str(round((row["mb"] - before["mb"]) / faces * 1e3)),
                    ]
                told = [stage, f"{row['faces']:,}", f"{row['seconds']:.1f}", f"{row['mb']:.0f}"]
                lines.append("| " + " | ".join(told + more) + " |")
                before = row
        lines += [
            "",
            "Explaining a face takes"
            f" {result['scaling']['explain'] * 1e3:.0f} ms besides what the network answers.",
            "",
        ]
    return "\n".join(["", *lines])


def dask(found: list[Result]) -> str:
    """What a task costs besides its own work, of each processor and number of workers."""
    lines = ["| processor | workers | ms a task | tasks a second |", "|---|---|---|---|"]
    lines += [
        f"| {result['processor']}, {result['cores']} cores | {row['workers']}"
        f" | {row['milliseconds']:.1f} | {1000 / row['milliseconds']:.0f} |"
        for result in found
        for row in result.get("scaling", {"dask": []})["dask"]
    ]
    return "\n".join(["", *lines, ""])


PARTS: dict[str, Callable[[list[Result]], str]] = {
    "tables": tables,
    "extremes": extremes,
    "others": others,
    "growth": growth,
    "dask": dask,
}


if __name__ == "__main__":
    main()

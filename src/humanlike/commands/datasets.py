"""What the data sets hold, before hours of work."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import typer

from humanlike import datasets
from humanlike.datasets.check import render, report
from humanlike.errors import HumanlikeError
from humanlike.params import load


def check(folder: Path) -> None:
    """Print what is recognised in each data set of `folder`."""
    params = load()
    settings = params.preprocess
    listing = datasets.read(
        folder,
        ckplus_apex_frames=settings.ckplus_apex_frames,
        bu4dfe_apex_frames=settings.bu4dfe_apex_frames,
    )
    typer.echo(render(report(folder, listing)))
    shown = listing.photographs["expression"].value_counts()
    unnamed = [
        f"{count} of {label}" for label, count in shown.items() if label not in params.labels
    ]
    if unnamed:
        typer.echo(
            f"\nLeft out, as `expressions` in params.yaml does not name them: {', '.join(unnamed)}"
        )
    if len(listing.photographs) <= len(listing.skipped):  # else a second look is not worth its time
        _tell_of_one_set(folder, len(listing.photographs))


def _tell_of_one_set(folder: Path, known: int) -> None:
    """Say so where `folder` is a data set, and was to be the folder above it."""
    with suppress(HumanlikeError):
        alone = datasets.read_set(folder)
        if len(alone.photographs) > known:
            (form,) = alone.forms.values()
            typer.echo(
                f"\n{folder} is a data set itself (form {form}, photographs: "
                f"{len(alone.photographs)}): check the folder above it, and put it into data/ as "
                "it is"
            )

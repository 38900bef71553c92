"""What the data sets hold, before hours of work."""

from __future__ import annotations

from pathlib import Path

import typer

from humanlike import datasets
from humanlike.datasets.check import render, report
from humanlike.params import load


def check(folder: Path) -> None:
    """Print what is recognised in each data set of `folder`."""
    settings = load().preprocess
    listing = datasets.read(
        folder,
        ckplus_apex_frames=settings.ckplus_apex_frames,
        bu4dfe_apex_frames=settings.bu4dfe_apex_frames,
    )
    typer.echo(render(report(folder, listing)))

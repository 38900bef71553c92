"""The sections of `people/params.yaml` that analyse what people did; see `humanlike.studies`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from humanlike.params import Positive, Section, Seed
from humanlike.studies import load_section

Share = Annotated[float, Field(ge=0, le=1)]
Resamples = Annotated[int, Field(ge=100)]


class Table(Section):
    """A published table, and what its columns mean; see `humanlike.people.readers`."""

    file: Annotated[str, Field(pattern=r"^[\w][\w ./-]*\.csv$")]
    layout: Literal["wide", "long", "counts"]
    stimulus: str | None = None
    raters: list[str] = Field(default_factory=list)
    counts: dict[str, str] = Field(default_factory=dict)
    columns: dict[str, str] = Field(default_factory=dict)
    answers: dict[str, str] = Field(default_factory=dict)
    truth: str | None = None
    milliseconds: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Table:
        needed = {"wide": ("stimulus", "raters"), "counts": ("stimulus", "counts")}
        for name in needed.get(self.layout, ("columns",)):
            if not getattr(self, name):
                raise ValueError(f"{name}: a table of layout {self.layout} needs it")
        if ".." in Path(self.file).parts:
            raise ValueError(f"file: {self.file!r} is not in people/data")
        return self


class Choices(Section):
    """People's data to attention maps and behaviour."""

    attention: Literal["order", "equal", "gain"]
    resamples: Resamples
    seed: Seed
    tables: list[Table]


class Compare(Section):
    """Networks and explainers against people."""

    resamples: Resamples
    seed: Seed


class Simulate(Section):
    """Observers who never lived; see `humanlike.people.observers.Observer`."""

    observers: Positive
    sensitivity: Annotated[float, Field(ge=0)]
    bias: Annotated[float, Field(ge=0)]
    lapse: Share
    click_noise: Annotated[float, Field(ge=0)]
    enough: Annotated[float, Field(gt=0, lt=1)]
    impatience: Annotated[float, Field(ge=0, lt=1)]
    seed: Seed


def choices() -> Choices:
    """The section of the stage `choices`."""
    return load_section("choices", Choices)


def compare() -> Compare:
    """The section of the stage `compare`."""
    return load_section("compare", Compare)


def simulate() -> Simulate:
    """The section of `humanlike people simulate`."""
    return load_section("simulate", Simulate)

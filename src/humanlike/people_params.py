"""The sections of `people/params.yaml` that analyse what people did; see `humanlike.studies`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from humanlike.params import Count, Params, Positive, Section, Seed, _distinct
from humanlike.studies import Label, load_section

Share = Annotated[float, Field(ge=0, le=1)]
Resamples = Annotated[int, Field(ge=100)]
Generator = Literal["render", "morph", "guided"]
Goal = Literal["alone", "agreement", "disagreement"]


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

    @field_validator("answers", mode="before")
    @classmethod
    def _as_text(cls, answers: Any) -> Any:
        """YAML reads the code 3 as a number."""
        if not isinstance(answers, dict):
            return answers
        return {str(code) if type(code) is int else code: word for code, word in answers.items()}

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


class Boundary(Section):
    """Stimuli between two expressions; see `humanlike.boundaries`."""

    networks: Annotated[list[str], Field(min_length=1)]
    fold: Count
    generators: Annotated[list[Generator], Field(min_length=1)]
    pairs: Literal["all"] | list[Annotated[list[Label], Field(min_length=2, max_length=2)]]
    number: Positive
    targets: Annotated[list[Goal], Field(min_length=1)]
    shares: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)]
    seed: Seed

    @field_validator("networks", "generators", "targets", "shares")
    @classmethod
    def _once(cls, values: list) -> list:
        return _distinct(values)

    @field_validator("pairs")
    @classmethod
    def _differ(cls, pairs: list | str) -> list | str:
        if isinstance(pairs, list):
            _distinct([sorted(_distinct(pair)) for pair in pairs])
        return pairs

    @model_validator(mode="after")
    def _two_disagree(self) -> Boundary:
        if len(self.networks) < 2 and set(self.targets) != {"alone"}:
            raise ValueError("targets: agreement and disagreement need two networks")
        return self


class Diffusion(Section):
    """The model of faces that the generator `guided` samples from, and how it learns."""

    size: Annotated[int, Field(ge=16, le=256)]
    components: Positive
    width: Positive
    steps: Positive
    batch_size: Positive
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    seed: Seed


class Rates(Section):
    """An optimiser's settings; where left out, as published (Wei et al. 2025)."""

    optimizer: Literal["adam", "rmsprop", "sgd"]
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    epochs: Positive
    batch_size: Positive


class Align(Section):
    """Networks that learn people's choices; see `humanlike.people.fitting`."""

    networks: Annotated[list[str], Field(min_length=1)]
    fold: Count
    group: Rates = Rates(optimizer="adam", learning_rate=1e-3, epochs=16, batch_size=128)
    individual: Rates = Rates(optimizer="adam", learning_rate=5e-4, epochs=16, batch_size=128)
    observers: Literal["all"] | Count
    least_trials: Positive = 100
    held_out: Annotated[float, Field(gt=0, lt=1)]
    validation: Annotated[float, Field(gt=0, lt=1)]
    seed: Seed

    @field_validator("networks")
    @classmethod
    def _once(cls, networks: list[str]) -> list[str]:
        return _distinct(networks)


class Hesitation(Section):
    """Whether stimuli between expressions are harder for people."""

    resamples: Resamples
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


def boundary(params: Params) -> Boundary:
    """The section of the stage `boundary`.

    Raises
    ------
    HumanlikeError
        It names what params.yaml does not.
    """
    section: Boundary = load_section("boundary", Boundary)
    for network in section.networks:
        params.check_unit(network, section.fold)
    return section


def diffusion() -> Diffusion:
    """The section of the stage `diffusion`."""
    return load_section("diffusion", Diffusion)


def align(params: Params) -> Align:
    """The section of the stage `align`; see `boundary`."""
    section: Align = load_section("align", Align)
    for network in section.networks:
        params.check_unit(network, section.fold)
    return section


def hesitation() -> Hesitation:
    """The section of the stage `hesitation`."""
    return load_section("hesitation", Hesitation)

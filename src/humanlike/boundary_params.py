"""The sections of `people/params.yaml` that make stimuli between expressions and align networks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from humanlike.params import Count, Params, Positive, Section, Seed, _distinct
from humanlike.studies import Label, load_section

Generator = Literal["render", "morph"]
Goal = Literal["alone", "agreement", "disagreement"]


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


def align(params: Params) -> Align:
    """The section of the stage `align`; see `boundary`."""
    section: Align = load_section("align", Align)
    for network in section.networks:
        params.check_unit(network, section.fold)
    return section


class Hesitation(Section):
    """Whether stimuli between expressions are harder for people."""

    resamples: Annotated[int, Field(ge=100)]
    seed: Seed


def hesitation() -> Hesitation:
    """The section of the stage `hesitation`."""
    return load_section("hesitation", Hesitation)

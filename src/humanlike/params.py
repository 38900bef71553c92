"""`params.yaml` as typed sections; a bad value ends in one line: the key and what is allowed.

Each section bears the name of the stage that reads it; `lime` holds what belongs to that explainer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from humanlike.errors import HumanlikeError
from humanlike.expressions import LABELS
from humanlike.networks.registry import NETWORKS

Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Section(BaseModel):
    """A section knows all its keys and takes no value for another type's."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Preprocess(Section):
    """Photographs to aligned faces, and subjects to folds."""

    detector: Literal["hog", "cnn", "whole"]
    upsample: Annotated[int, Field(ge=0, le=4)]
    size: Annotated[int, Field(ge=32, le=1024)]
    folds: Annotated[int, Field(ge=2)]
    seed: Seed
    ckplus_apex_frames: Positive
    bu4dfe_apex_frames: Positive


class Augmentation(Section):
    """The study's augmentation; see `humanlike.faces.augment.Augmentation`."""

    gamma: Annotated[float, Field(ge=0)]
    translation: Annotated[float, Field(ge=0, lt=0.5)]
    crop: Annotated[float, Field(ge=0, lt=1)]
    mirror: bool


class Optimisation(Section):
    """How one network is fitted; what a row leaves out is as published."""

    optimizer: Literal["adam", "rmsprop", "sgd"]
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    epochs: Positive
    batch_size: Positive
    schedule: Literal["constant", "cosine"] = "constant"
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None


class Train(Section):
    """Which networks are fitted on which folds, and how."""

    networks: Annotated[list[str], Field(min_length=1)]
    folds: Annotated[list[Count], Field(min_length=1)]
    weights: Annotated[str, Field(min_length=1)]
    input_scaling: Literal["paper", "native"]
    limit: Positive | None
    seed: Seed
    augmentation: Augmentation
    optimisation: dict[str, Optimisation]

    @field_validator("networks")
    @classmethod
    def _known(cls, networks: list[str]) -> list[str]:
        for network in networks:
            if network not in NETWORKS:
                raise ValueError(f"{network!r} is not a network; allowed: {', '.join(NETWORKS)}")
        return _distinct(networks)

    @field_validator("folds")
    @classmethod
    def _once(cls, folds: list[int]) -> list[int]:
        return _distinct(folds)

    @model_validator(mode="after")
    def _all_optimised(self) -> Train:
        for network in self.networks:
            if network not in self.optimisation:
                raise ValueError(f"optimisation has no entry for {network!r}; add one")
        return self


class Explain(Section):
    """Which predictions are explained, and what computes them."""

    method: Literal["lime"]
    positives_per_class: Positive
    checked_per_class: Annotated[int, Field(ge=0)]
    seed: Seed
    runtime: Literal["tensorflow", "openvino"]
    precision: Literal["float32", "bfloat16"]


class Lime(Section):
    """LIME on superpixels."""

    samples: Annotated[int, Field(ge=2)]
    sampling: Literal["bernoulli", "paired", "orthogonal"]
    superpixels: Annotated[int, Field(ge=2, le=250)]
    compactness: Annotated[float, Field(gt=0)]
    kernel_width: Annotated[float, Field(gt=0)]
    emulate: bool


class Standardize(Section):
    """Explanations onto the standard face."""

    positive_only: bool


class Score(Section):
    """Heatmap against mask."""

    threshold: Literal["otsu"] | float
    bootstrap: Annotated[int, Field(ge=100)]
    seed: Seed

    @field_validator("threshold", mode="before")
    @classmethod
    def _a_share(cls, threshold: Any) -> Any:
        number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
        if threshold != "otsu" and not (number and 0 <= threshold <= 1):
            raise ValueError(f"{threshold!r} is not allowed; give otsu or a number from 0 to 1")
        return threshold


class Params(Section):
    """All of `params.yaml`."""

    expressions: Annotated[list[Literal[LABELS]], Field(min_length=2)]  # type: ignore[valid-type]
    preprocess: Preprocess
    train: Train
    explain: Explain
    lime: Lime
    standardize: Standardize
    score: Score

    @field_validator("expressions")
    @classmethod
    def _once(cls, expressions: list[str]) -> list[str]:
        return _distinct(expressions)

    @model_validator(mode="after")
    def _folds_exist(self) -> Params:
        for fold in self.train.folds:
            if fold >= self.preprocess.folds:
                raise ValueError(
                    f"train.folds: {fold} is not a fold; allowed: 0 to {self.preprocess.folds - 1},"
                    f" as preprocess.folds is {self.preprocess.folds}"
                )
        return self

    @property
    def labels(self) -> list[str]:
        """The expressions in the order that networks, tables and figures follow."""
        return [label for label in LABELS if label in self.expressions]

    @property
    def units(self) -> list[tuple[str, int]]:
        """Every network with every fold that is held out: what is trained and explained."""
        return [(network, fold) for network in self.train.networks for fold in self.train.folds]

    def check_unit(self, network: str, fold: int) -> None:
        """Refuse a network or a fold that these params do not name."""
        for key, value, allowed in (
            ("train.networks", network, self.train.networks),
            ("train.folds", fold, self.train.folds),
        ):
            if value not in allowed:
                names = ", ".join(str(name) for name in allowed)
                raise HumanlikeError(f"{value} is not in {key} of params.yaml; allowed: {names}")


def _distinct(values: list[Any]) -> list[Any]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{value!r} is named twice; name it once")
    return values


def load(path: Path = Path("params.yaml")) -> Params:
    """Read and check a params file.

    Parameters
    ----------
    path
        A YAML file with the sections of `Params`.

    Raises
    ------
    HumanlikeError
        The file is missing, is not YAML, or holds a value that is not allowed.
    """
    try:
        values = YAML(typ="safe", pure=True).load(path)
    except FileNotFoundError:
        raise HumanlikeError(
            f"{path}: no such file; run this in the project's root, where params.yaml is"
        ) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise HumanlikeError(f"{path} is not valid YAML: {error}") from None
    return parse(values, str(path))


def parse(values: Any, source: str = "params.yaml") -> Params:
    """Check the values of a params file; `source` is named in the message of a refusal."""
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise HumanlikeError(f"{source}: {_one_line(error)}") from None


def _one_line(error: ValidationError) -> str:
    first, *others = error.errors(include_url=False)
    key = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    line = ": ".join(part for part in (key, reason) if part)
    if first["type"] == "extra_forbidden":
        line = f"{key}: there is no such key"
    elif first["type"] == "missing":
        line = f"{key}: the key is missing"
    elif first["type"] != "value_error":
        line = f"{key}: {first['input']!r} is not allowed; {reason[0].lower()}{reason[1:]}"
    if others:
        line += f" (and {len(others)} more)"
    return line

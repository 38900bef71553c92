"""`params.yaml` as typed sections; a bad value ends in one line: the key and what is allowed.

Each section bears the name of the stage that reads it, or of the method of explanation.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from humanlike.errors import HumanlikeError
from humanlike.explainers.methods import METHODS
from humanlike.expressions import LABELS
from humanlike.networks.conventions import SCALINGS, parse_classes
from humanlike.networks.registry import NETWORKS

#: What a network's name may be, as it names folders, DVC's stages and its params.
NAME, NAME_IN_WORDS = "[A-Za-z0-9_-]+", "letters, digits, _ and -"

Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
ReferenceName = Annotated[str, Field(pattern=r"^[\w-]+$")]
Hidden = Literal["black", "mean", "blur", "noise"]


class Section(BaseModel):
    """A section knows all its keys and takes no value for another type's."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Preprocess(Section):
    """Photographs to aligned faces, and subjects to folds."""

    detector: Literal["auto", "hog", "cnn", "whole"]
    faces: Literal["one", "largest"]
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


class ModelFile(Section):
    """A network that others trained: its file, and how it is fed and read."""

    file: Annotated[str, Field(min_length=1)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    classes: Annotated[list[str], Field(min_length=2)]
    input: Literal[tuple(SCALINGS)]  # type: ignore[valid-type]
    size: Positive | None = None

    @field_validator("classes")
    @classmethod
    def _known(cls, classes: list[str]) -> list[str]:
        try:
            parse_classes(classes, len(classes))
        except HumanlikeError as error:
            raise ValueError(str(error).removeprefix("classes: ")) from None
        return classes


class Guidance(Section):
    """What networks are taught to look at while they learn; see `humanlike.guidance`."""

    reference: ReferenceName
    weight: Annotated[float, Field(ge=0, le=1)]
    permuted: bool
    hidden: Hidden

    @model_validator(mode="after")
    def _has_regions_to_permute(self) -> Guidance:
        if self.permuted and self.reference == "none":
            raise ValueError("permuted: true needs a reference; name ekman, evidence or a folder")
        return self


#: How pydantic tells the two kinds of entries of `optimisation` apart.
_FITTED, _FILE = "(fitted)", "(file)"


def _kind(entry: Any) -> str:
    named = isinstance(entry, ModelFile) or (isinstance(entry, dict) and "file" in entry)
    return _FILE if named else _FITTED


#: How a network comes by its weights.
Origin = Annotated[
    Annotated[Optimisation, Tag(_FITTED)] | Annotated[ModelFile, Tag(_FILE)], Discriminator(_kind)
]


class Train(Section):
    """Which networks are fitted on which folds, and how; or which files hold them."""

    optimisation: dict[str, Origin]
    networks: Annotated[list[str], Field(min_length=1)]
    folds: Annotated[list[Count], Field(min_length=1)]
    weights: Annotated[str, Field(min_length=1)]
    input_scaling: Literal["paper", "native", "wide"]
    limit: Positive | None
    seed: Seed
    threads: Positive
    precision: Literal["auto", "float32", "bfloat16"]
    augmentation: Augmentation
    guidance: Guidance

    @field_validator("networks")
    @classmethod
    def _known(cls, networks: list[str], info: ValidationInfo) -> list[str]:
        origins = info.data.get("optimisation", {})
        for network in networks:
            if network not in NETWORKS and not isinstance(origins.get(network), ModelFile):
                raise ValueError(
                    f"{network!r} is not a network; allowed: {', '.join(NETWORKS)}, or a name whose"
                    " entry in train.optimisation has a file"
                )
            if not re.fullmatch(NAME, network):
                raise ValueError(f"{network!r} is not allowed; a name is {NAME_IN_WORDS}")
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

    method: Literal[tuple(METHODS)]  # type: ignore[valid-type]
    hidden: Hidden
    positives_per_class: Positive
    checked_per_class: Annotated[int, Field(ge=0)]
    seed: Seed
    runtime: Literal["tensorflow", "openvino"]
    precision: Literal["auto", "float32", "bfloat16", "mixed", "int8"]


class Lime(Section):
    """LIME on superpixels."""

    samples: Literal["auto"] | int
    error: Annotated[float, Field(gt=0, lt=1)]
    sampling: Literal["bernoulli", "paired", "orthogonal"]
    superpixels: Annotated[int, Field(ge=2, le=250)]
    # SLIC's arithmetic ends outside.
    compactness: Annotated[float, Field(ge=0.01, le=1e6)]
    # Of a kernel that is narrower, no sample but the whole face has any weight.
    kernel_width: Annotated[float, Field(ge=0.05, allow_inf_nan=False)]
    emulate: bool

    @field_validator("samples", mode="before")
    @classmethod
    def _auto_or_enough(cls, samples: Any) -> Any:
        number = isinstance(samples, int) and not isinstance(samples, bool)
        if samples != "auto" and not (number and samples >= 2):
            raise ValueError(
                f"{samples!r} is not allowed; give auto or an integer greater than or equal to 2"
            )
        return samples

    @model_validator(mode="after")
    def _goes_on(self) -> Lime:
        if self.samples == "auto" and self.sampling == "orthogonal":
            raise ValueError("samples: auto takes samples bit by bit; sampling: paired lets it")
        return self


class KernelShap(Section):
    """Shapley values of superpixels."""

    samples: Annotated[int, Field(ge=4)]
    superpixels: Annotated[int, Field(ge=2, le=250)]
    compactness: Annotated[float, Field(gt=0)]


class Occlusion(Section):
    """A window that hides what is behind it."""

    cells: Annotated[int, Field(ge=2, le=16)]
    window: Positive

    @model_validator(mode="after")
    def _fits(self) -> Occlusion:
        if self.window >= self.cells:
            raise ValueError(f"window: {self.window} is not allowed; give less than cells")
        return self


class Rise(Section):
    """Random soft masks."""

    masks: Annotated[int, Field(ge=2)]
    cells: Annotated[int, Field(ge=2, le=32)]
    shown: Annotated[float, Field(gt=0, lt=1)]


class Cam(Section):
    """Class activation maps, which leave nothing to choose."""


class GradCam(Section):
    """Grad-CAM or Grad-CAM++."""

    output: Literal["logit", "softmax"]


class IntegratedGradients(Section):
    """Gradients on the way from black to the face."""

    steps: Annotated[int, Field(ge=2)]


class SmoothGrad(Section):
    """Gradients of noisy copies of the face."""

    samples: Positive
    noise: Annotated[float, Field(ge=0)]
    magnitude: bool


class Extremal(Section):
    """Masks of given areas that keep the class."""

    areas: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)]
    iterations: Positive
    fast: bool


class Standardize(Section):
    """Explanations onto the standard face."""

    positive_only: bool


class Evidence(Section):
    """Where the expressions differ; see `humanlike.alignment.evidence`."""

    against: Literal["others", "neutral"]
    contrast: Annotated[float, Field(gt=0, lt=1)]
    smoothing: Annotated[float, Field(gt=0, lt=1)]
    seed: Seed


class Score(Section):
    """Heatmap against mask."""

    references: Annotated[list[ReferenceName], Field(min_length=1)]
    threshold: Literal["otsu"] | float
    seed: Seed

    @field_validator("references")
    @classmethod
    def _once(cls, references: list[str]) -> list[str]:
        return _distinct(references)

    @field_validator("threshold", mode="before")
    @classmethod
    def _a_share(cls, threshold: Any) -> Any:
        number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
        if threshold != "otsu" and not (number and 0 <= threshold <= 1):
            raise ValueError(f"{threshold!r} is not allowed; give otsu or a number from 0 to 1")
        return threshold


class Report(Section):
    """The page that tells the result."""

    faces: bool
    colours: Literal["inferno", "viridis", "cividis", "jet"]


class Params(Section):
    """All of `params.yaml`."""

    expressions: Annotated[list[Literal[LABELS]], Field(min_length=2)]  # type: ignore[valid-type]
    preprocess: Preprocess
    train: Train
    explain: Explain
    lime: Lime
    kernelshap: KernelShap
    occlusion: Occlusion
    rise: Rise
    cam: Cam
    gradcam: GradCam
    gradcam_plus_plus: Annotated[GradCam, Field(alias="gradcam++")]
    integrated_gradients: IntegratedGradients
    smoothgrad: SmoothGrad
    extremal: Extremal
    evidence: Evidence
    standardize: Standardize
    score: Score
    report: Report

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
    def method(self) -> dict[str, Any]:
        """The section of the method that explains."""
        return self.model_dump(by_alias=True)[self.explain.method]

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
    key = ".".join(str(part) for part in first["loc"] if part not in (_FITTED, _FILE))
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

"""What people's stages and commands share: `people/params.yaml` and folders of stimuli."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from humanlike import artifacts
from humanlike.errors import HumanlikeError
from humanlike.expressions import LABELS
from humanlike.params import Count, Positive, Section, Seed, _distinct, _one_line
from humanlike.people import trials

PEOPLE = Path("people")
PARAMS = PEOPLE / "params.yaml"

Label = Literal[LABELS]  # type: ignore[valid-type]


class Experiment(Section):
    """What observers are shown, and how they answer."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    task: Literal["uncover", "categorise"]
    pairs: list[Annotated[list[Label], Field(min_length=2, max_length=2)]]
    choices: Annotated[list[Label], Field(min_length=2)]
    faces: Positive
    practice: Count
    trials: Annotated[int, Field(gt=0, le=10_000)]
    observers: Annotated[int, Field(gt=0, le=10_000)]
    radius: Annotated[float, Field(ge=1, le=1000)]
    clicks: Annotated[int, Field(gt=0, le=500)]
    confidence: Annotated[int, Field(ge=0, le=9)]
    break_every: Count
    seed: Seed

    @field_validator("choices")
    @classmethod
    def _once(cls, choices: list[str]) -> list[str]:
        return _distinct(choices)

    @field_validator("pairs")
    @classmethod
    def _differ(cls, pairs: list[list[str]]) -> list[list[str]]:
        _distinct([sorted(_distinct(pair)) for pair in pairs])
        return pairs

    @field_validator("confidence")
    @classmethod
    def _a_scale(cls, levels: int) -> int:
        if levels == 1:
            raise ValueError("1 is not allowed; give 0 (not asked) or 2 to 9 levels")
        return levels

    @model_validator(mode="after")
    def _two_are_offered(self) -> Experiment:
        if self.task == "uncover" and not self.pairs:
            raise ValueError("pairs: uncover needs them; name at least one")
        return self


def load_section(name: str, section: type[Section], path: Path = PARAMS) -> Any:
    """Read and check one section of people's params.

    Raises
    ------
    HumanlikeError
        The file or the section is missing, or holds a value that is not allowed.
    """
    try:
        values = YAML(typ="safe", pure=True).load(path)
    except FileNotFoundError:
        raise HumanlikeError(
            f"{path}: no such file; run this in the project's root, which holds people/"
        ) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise HumanlikeError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(values, dict) or name not in values:
        raise HumanlikeError(f"{path}: {name}: the section is missing")
    try:
        return section.model_validate(values[name])
    except ValidationError as error:
        raise HumanlikeError(f"{path}: {name}.{_one_line(error)}") from None


def write_stimuli(
    folder: Path,
    table: pd.DataFrame,
    images: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
) -> None:
    """Write a folder of stimuli, anew.

    Parameters
    ----------
    folder
        It receives `stimuli.csv`, `images.npy`, `landmarks.npy` and a PNG for each stimulus.
    table
        See `humanlike.people.trials.STIMULI`.
    images : (N, S, S) uint8
    landmarks : (N, 68, 2) float32
        In pixels of the images.
    """
    artifacts.fresh(folder)
    artifacts.write_bytes(folder / "stimuli.csv", trials.to_csv(table).encode())
    np.save(folder / "images.npy", np.asarray(images, np.uint8))
    np.save(folder / "landmarks.npy", np.asarray(landmarks, np.float32))
    for name, image in zip(table["file"], images, strict=True):
        (folder / name).write_bytes(png(image))


def read_stimuli(
    folder: Path,
) -> tuple[pd.DataFrame, NDArray[np.uint8], NDArray[np.float32]]:
    """Read a folder of stimuli; see `write_stimuli`.

    Raises
    ------
    HumanlikeError
        The table is broken, or the arrays do not fit it.
    """
    path = folder / "stimuli.csv"
    table = trials.read(path, trials.STIMULI)
    trials.check_stimuli(table, str(path))
    images = artifacts.read_array(folder / "images.npy")
    landmarks = artifacts.read_array(folder / "landmarks.npy")
    count = len(table)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise HumanlikeError(f"{folder / 'images.npy'}: not (N, S, S) gray images of 8 bits")
    if len(images) != count or landmarks.shape != (count, 68, 2):
        raise HumanlikeError(
            f"{folder}: {count} rows in stimuli.csv, {len(images)} images and landmarks of shape"
            f" {landmarks.shape} do not belong together"
        )
    return table, images, landmarks


def png(image: NDArray[np.uint8]) -> bytes:
    """A gray picture (H, W) uint8 as PNG."""
    return cv2.imencode(".png", image)[1].tobytes()

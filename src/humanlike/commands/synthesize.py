"""Draw the sample data set and write it as a folder of photographs with their tables."""

import tempfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from humanlike.errors import HumanlikeError
from humanlike.synthesis.action_units import DRAWN_UNITS
from humanlike.synthesis.sample import SAMPLE_LABELS, SampleFace, draw_sample

JPEG_QUALITY = 88


def synthesize(
    output: Path,
    subjects: int = 24,
    images: int = 5,
    seed: int = 0,
    low: float = 0.6,
    high: float = 1.0,
    truth: bool = False,
    progress: bool = True,
) -> None:
    """Write a sample of drawn faces, whole or not at all.

    ``output`` receives ``images/<subject>_<expression>_<n>.jpg``, ``labels.csv`` (file, subject,
    expression), ``action_units.csv`` (file, AU1 ... AU26) and ``landmarks.csv`` (file, x0, y0 ...
    x67, y67, in pixels). Files are named relative to ``output``. With ``truth`` it also receives
    ``changed/<subject>_<expression>_<n>.png``: 255 where the picture differs from that of the same
    person in the same view at rest, and 0 elsewhere.

    Parameters
    ----------
    output
        A folder that is not there yet, or is empty.
    subjects, images
        How many persons, and images of each expression for each of them.
    seed
        Seed of the whole sample; the same seed writes the same bytes.
    low, high
        Range of the action units' intensities, within [0, 1].
    truth
        Whether to write what each expression changes.
    progress
        Whether to show a progress bar.

    Raises
    ------
    HumanlikeError
        If a number makes no sense or the folder holds something.
    """
    _check(output, subjects, images, seed, low, high)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as scratch:
        folder = Path(scratch) / "sample"
        for name in ("images", *["changed"] * truth):
            (folder / name).mkdir(parents=True)
        faces = tqdm(
            draw_sample(subjects, images, seed, low, high),
            total=subjects * images * len(SAMPLE_LABELS),
            desc="synthesize",
            unit="face",
            disable=not progress,
        )
        rows = [(_write_image(folder, sample, truth), sample) for sample in faces]
        _write_tables(folder, rows)
        folder.replace(output)


def _check(output: Path, subjects: int, images: int, seed: int, low: float, high: float) -> None:
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise HumanlikeError(f"{output} is already there: name a new folder or remove that one")
    for name, value, least in ("subjects", subjects, 1), ("images", images, 1), ("seed", seed, 0):
        if value < least:
            raise HumanlikeError(f"{name}: {value} is not allowed; give a whole number >= {least}")
    if not 0 <= low <= high <= 1:
        raise HumanlikeError(f"low, high: {low}, {high} is not allowed; keep 0 <= low <= high <= 1")


def _write_image(folder: Path, sample: SampleFace, truth: bool) -> str:
    stem = f"{sample.subject}_{sample.expression}_{sample.number}"
    name = f"images/{stem}.jpg"
    cv2.imwrite(str(folder / name), sample.face.image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if truth:
        changed = np.uint8(255) * sample.changed
        cv2.imwrite(str(folder / "changed" / f"{stem}.png"), changed)
    return name


def _write_tables(folder: Path, rows: list[tuple[str, SampleFace]]) -> None:
    index = pd.Index([name for name, _ in rows], name="file")
    samples = [sample for _, sample in rows]
    labels = [(sample.subject, sample.expression) for sample in samples]
    units = [[sample.action_units[unit] for unit in DRAWN_UNITS] for sample in samples]
    points = [sample.face.landmarks.ravel() for sample in samples]
    pd.DataFrame(labels, index, ["subject", "expression"]).to_csv(folder / "labels.csv")
    pd.DataFrame(units, index, [f"AU{unit}" for unit in DRAWN_UNITS]).to_csv(
        folder / "action_units.csv", float_format="%.3f"
    )
    pd.DataFrame(points, index, [f"{axis}{k}" for k in range(68) for axis in "xy"]).to_csv(
        folder / "landmarks.csv", float_format="%.2f"
    )

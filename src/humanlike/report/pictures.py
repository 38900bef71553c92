"""Heatmaps and reference maps that others made, read from pictures."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from humanlike import artifacts
from humanlike.alignment.references import Reference
from humanlike.alignment.table import Key
from humanlike.canonical.geometry import HEIGHT, WIDTH
from humanlike.canonical.masks import ekman_mask
from humanlike.errors import HumanlikeError
from humanlike.expressions import EXPRESSIONS

NAME = re.compile(rf"fold([0-9]{{1,9}})_({'|'.join(EXPRESSIONS)})\.png")

#: The first bytes of a PNG: signature, and of its header width, height, bits and colour type.
_HEADER = struct.Struct(">8s4x4sIIBB")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE = 3

#: Reference -> where its maps come from.
_WAYS_OUT = {
    "people": "`dvc repro people/dvc.yaml`, then `humanlike people reference`, puts them there"
}


def read_reference(name: str, labels: Sequence[str]) -> Reference:
    """A reference by the name that `score.references` gives it.

    Parameters
    ----------
    name
        `ekman`, `evidence` (of the stage of that name), or a folder in `references/` that holds
        `<expression>.png`, as `read_heatmap` takes them, such as `people`. Maps of two values are
        masks, others gray.
    labels
        The expressions that are wanted. Of fewer than two with a mask, the Ekman masks of all six
        are given, so that there are others to compare with.

    Raises
    ------
    HumanlikeError
        The reference has no map of any of the expressions, or one that cannot be read.
    """
    if name == "ekman":
        named = [label for label in labels if label in EXPRESSIONS]
        shown = named if len(named) > 1 else EXPRESSIONS
        return Reference(name, {label: ekman_mask(label) for label in shown})
    if name == "evidence":
        found = artifacts.read_arrays(artifacts.EVIDENCE)
        effects = dict(zip(map(str, found["expressions"]), found["effect"], strict=True))
        known = {label: m.astype(np.float32) for label, m in effects.items() if m.max() > 0}
    else:
        folder = artifacts.REFERENCES / name
        paths = {label: folder / f"{label}.png" for label in labels}
        known = {label: _map(path) for label, path in paths.items() if path.exists()}
        if not known:
            way_out = _WAYS_OUT.get(
                name, "it must hold <expression>.png (or name ekman or evidence)"
            )
            raise HumanlikeError(
                f"score.references: {folder}/ has no map of any of {', '.join(labels)}; {way_out}"
            )
    return Reference(name, {label: known[label] for label in labels if label in known})


def _map(path: Path) -> NDArray:
    picture = read_heatmap(path)
    return picture > picture.min() if len(np.unique(picture)) <= 2 else picture


def read_heatmaps(folder: Path) -> dict[Key, NDArray[np.uint8]]:
    """Read the heatmaps of a folder, by network, fold and expression."""
    paths: dict[Key, Path] = {}
    for path in sorted(folder.glob("*/*.png")):
        name = NAME.fullmatch(path.name)
        if name:
            key = (path.parent.name, int(name[1]), name[2])
            if key in paths:
                raise HumanlikeError(
                    f"{path}: {paths[key].name} is of the same fold; keep one of the two"
                )
            paths[key] = path
    if not paths:
        raise HumanlikeError(
            f"{folder}: no heatmap found; expected files such as weinet/fold0_anger.png, with one "
            f"of {', '.join(EXPRESSIONS)}"
        )
    return {key: read_heatmap(path) for key, path in paths.items()}


def read_heatmap(path: Path) -> NDArray[np.uint8]:
    """Read one heatmap of the standard face's size from an 8-bit gray PNG.

    One that was saved in colour is taken where its channels are the same and nothing is
    transparent: it is as gray. A colour map is not, as its brightness is no importance.

    Returns
    -------
    (275, 224) uint8

    Raises
    ------
    HumanlikeError
        The file is anything else.
    """
    try:
        _check_header(path)
        with Image.open(path, formats=("PNG",)) as image:
            *colours, alpha = np.moveaxis(np.asarray(image.convert("RGBA")), 2, 0)
    except (
        *(OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error),
        Image.DecompressionBombError,
    ) as error:
        reason = getattr(error, "strerror", None) or error
        raise HumanlikeError(f"{path}: cannot be read as a PNG ({reason})") from None
    if any((colour != colours[0]).any() for colour in colours):
        raise HumanlikeError(
            f"{path}: in colour; a heatmap is gray, as a colour map's brightness is no importance"
        )
    if (alpha != 255).any():
        raise HumanlikeError(f"{path}: partly transparent; save the heatmap without transparency")
    return colours[0]


def _check_header(path: Path) -> None:
    """Refuse what is no 8-bit heatmap before anything is decoded, however big it says it is."""
    with path.open("rb") as file:
        start = file.read(_HEADER.size)
    if not start.startswith(_SIGNATURE):
        raise ValueError("it is no PNG, whatever its name says")
    _, _, width, height, bits, colour_type = _HEADER.unpack(start)
    if (width, height) != (WIDTH, HEIGHT):
        raise HumanlikeError(
            f"{path}: {width} wide and {height} high; a heatmap on the standard face is {WIDTH} "
            f"wide and {HEIGHT} high"
        )
    if bits != 8 or colour_type == _PALETTE:
        kind = "its colours are a palette" if colour_type == _PALETTE else f"{bits}-bit"
        raise HumanlikeError(f"{path}: {kind}; save the heatmap as 8-bit gray")

"""Somebody else's network, looked at with all that the pipeline has.

What the file does not say, how its input is scaled and which output means what, is found out or
asked for. The output is a small project: its own params and faces, on which the stages are run as
DVC runs them. So it holds what a run of the pipeline holds, and any stage can be run there again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from ruamel.yaml import YAML

from humanlike import artifacts, datasets, params
from humanlike.datasets.table import BY_DESIGN, is_image
from humanlike.errors import HumanlikeError
from humanlike.faces.extract import extract_faces
from humanlike.networks.conventions import (
    OTHER,
    SCALINGS,
    are_probabilities,
    known_orders,
    parse_classes,
    softmax,
)
from humanlike.networks.inputs import network_images
from humanlike.networks.registry import NETWORKS
from humanlike.progress import bar

if TYPE_CHECKING:
    from humanlike.networks.foreign import Foreign
    from humanlike.networks.trial import Choice

#: Faces that scalings and orders of classes are tried on, drawn at random where there are more.
TRIED = 400

#: What the network's one fold is called; nothing is trained, so that every face is held out.
FOLD = 0

#: Tells a folder that an audit wrote from one that it must not write to.
MARK = "audit.json"


class Asked(NamedTuple):
    """What a person says about a model file; None where it is to be found out."""

    classes: str | None = None
    scaling: str | None = None
    size: int | None = None


NOTHING = Asked()


@dataclass(frozen=True)
class Faces:
    """Aligned faces and what is known of them."""

    images: NDArray[np.uint8]  #: (n, S, S)
    landmarks: NDArray[np.float32]  #: (n, 68, 2)
    table: pd.DataFrame  #: dataset, subject, expression (NaN where not known), source

    def __getitem__(self, rows: NDArray[np.bool_]) -> Faces:
        return Faces(
            self.images[rows], self.landmarks[rows], self.table[rows].reset_index(drop=True)
        )


def audit(
    model: Path,
    images: Path,
    output: Path,
    *,
    labels: Path | None = None,
    asked: Asked = NOTHING,
    method: str | None = None,
    faces_per_class: int = 10,
    seed: int | None = None,
) -> None:
    """Explain and score a model file on photographs; write what the pipeline writes, and tell it.

    Settings that are not given are those of `params.yaml`.

    Parameters
    ----------
    model
        What `humanlike.networks.foreign.open_model` opens.
    images
        A folder of photographs: one data set in any form that `humanlike.datasets` reads, several
        in a folder each, or photographs without labels.
    output
        A new folder, or that of an earlier audit, which goes on where it was interrupted.
    labels
        A table of `file,subject,expression` for a folder without one.
    asked
    method
        As `explain.method`.
    faces_per_class
        How many faces predicted as each class are explained.
    seed
        Of the faces that are drawn, of the samples and of the random placements.

    Raises
    ------
    HumanlikeError
        The model cannot be opened safely, no face is found, the scaling or the classes cannot be
        told, or the output is not a folder of ours.
    """
    if asked.scaling not in (None, *SCALINGS):
        raise HumanlikeError(f"--input: {asked.scaling} is none of {', '.join(SCALINGS)}")
    values = read_params()
    check_output(output)
    from humanlike.networks.foreign import GraphFile, open_model

    opened = open_model(model, asked.size)
    described = f"{opened.size} × {opened.size}, {opened.channels} channel" + "s" * (
        opened.channels > 1
    )
    typer.echo(f"{model}: {described}, {opened.outputs} outputs")
    given = parse_classes(asked.classes.split(","), opened.outputs) if asked.classes else None

    faces, left_out = find_faces(images, labels, params.parse(values).preprocess)
    classes, scaling, doubts = settle(opened, faces, given, asked)
    known = [label for label in classes if label != OTHER]
    of_others = faces.table["expression"].notna() & ~faces.table["expression"].isin(known)
    faces = faces[~of_others.to_numpy()]
    if of_others.any():
        typer.echo(
            f"{of_others.sum()} faces are left out: the network knows only {', '.join(known)}"
        )
    if not len(faces.images):
        raise HumanlikeError(f"{images}: no face shows an expression that the network knows")

    name = plain(model)
    values["expressions"] = known
    values["train"]["networks"], values["train"]["folds"] = [name], [FOLD]
    values["train"]["optimisation"] = {
        name: {
            "file": os.path.relpath(model, output),
            "sha256": artifacts.digest(model),
            "classes": list(classes),
            "input": scaling,
            "size": asked.size,
        }
    }
    explain = values["explain"]
    explain["positives_per_class"] = faces_per_class
    if method is not None:
        explain["method"] = method
    if isinstance(opened, GraphFile):
        explain["runtime"] = "openvino"
    if seed is not None:
        explain["seed"] = values["score"]["seed"] = seed
    if not faces.table["expression"].notna().any():
        # Without labels nobody knows where in these photographs the expressions differ.
        values["score"]["references"] = ["ekman"]
    params.parse(values)

    write(output, values, faces, left_out, int(of_others.sum()), {"model": str(model), **doubts})
    typer.echo(f"\nIn {output}:\n")
    for stage in (
        ("train", name, str(FOLD)),
        ("explain", name, str(FOLD)),
        ("standardize", name, str(FOLD)),
        *[("evidence",)] * ("evidence" in values["score"]["references"]),
        ("score",),
        ("report",),
        ("show",),
    ):
        run(output, *stage)
    for doubt in doubts.values():
        typer.echo(f"\n{doubt}")
    typer.echo(
        f"\nThe report: {output / 'plots' / 'report.html'}\n"
        f"All of it: {output}, laid out as a run of the pipeline"
    )


def read_params() -> dict[str, Any]:
    """The values of params.yaml, checked."""
    path = Path("params.yaml")
    params.load(path)
    return YAML(typ="safe", pure=True).load(path)


def check_output(output: Path) -> None:
    """Refuse a folder that holds something else than an earlier audit."""
    if output.exists() and not output.is_dir():
        raise HumanlikeError(f"{output} is a file; name a new folder")
    if output.is_dir() and any(output.iterdir()) and not (output / MARK).is_file():
        raise HumanlikeError(f"{output} holds other files; name a new folder, or empty this one")


def plain(model: Path) -> str:
    """A name for a model file that may be in names of folders and stages."""
    model = model.resolve()
    stem = (model.parent if model.name == "saved_model.pb" else model).stem
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_") or "network"


def find_faces(
    images: Path, labels: Path | None, settings: params.Preprocess
) -> tuple[Faces, pd.DataFrame]:
    """The faces of a folder of photographs, and a table of `source, reason` of those left out."""
    photographs, skipped = read_photographs(images, labels)
    kept, found, rejected = [], [], []
    faces = extract_faces(
        list(zip(photographs.pop("path"), photographs.pop("at"), strict=True)),
        settings.detector,
        settings.size,
        settings.upsample,
        largest=settings.faces == "largest",
    )
    shown = bar(faces, "find faces", total=len(photographs), unit="photograph")
    for row, face in enumerate(shown):
        if isinstance(face, str):
            rejected.append((photographs["source"][row], face))
        else:
            kept.append(row)
            found.append(face)
    left_out = pd.concat([skipped, pd.DataFrame(rejected, columns=["source", "reason"])])
    if not found:
        first = left_out.iloc[0]
        raise HumanlikeError(
            f"{images}: no face found in any of {len(left_out)} photographs; the first: "
            f"{first['source']}: {first['reason']}"
        )
    table = photographs.loc[kept, ["dataset", "subject", "expression", "source"]]
    pictures = np.stack([face.image for face in found])
    points = np.stack([face.landmarks for face in found])
    return Faces(pictures, points, table.reset_index(drop=True)), left_out


def read_photographs(images: Path, labels: Path | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Photographs with their `path`, and a table of `source, reason` of files left out.

    `at` says where in a file of many photographs one begins.

    Where nothing tells an expression, every photograph is taken, without a label.
    """
    one = datasets.read_set(images, labels)
    several = None if labels else datasets.read(images)
    if several is not None and len(several.photographs) >= max(len(one.photographs), 1):
        listing, root = several, images.resolve()
    else:
        listing, root = one, images.resolve().parent
    photographs, skipped = listing.photographs, listing.skipped
    if photographs.empty:
        readable = skipped["file"].map(is_image).to_numpy(bool)
        if labels or not readable.any():
            raise HumanlikeError(
                f"{images}: no photograph found; `humanlike datasets check` says what is recognised"
                if not labels
                else f"{labels}: no photograph of {images} has a known expression in this table"
            )
        photographs = skipped[readable].assign(
            subject=skipped["source"], expression=np.nan, offset=pd.Series(pd.NA, skipped.index)
        )
        skipped = skipped[~readable]
    skipped = skipped[~skipped["reason"].isin(BY_DESIGN)]
    paths, starts = zip(*datasets.places(photographs, root), strict=True)
    placed = photographs.assign(path=paths, at=pd.Series(starts, photographs.index, dtype=object))
    return placed.reset_index(drop=True), skipped[["source", "reason"]]


def settle(
    opened: Foreign, faces: Faces, given: tuple[str, ...] | None, asked: Asked
) -> tuple[tuple[str, ...], str, dict[str, str]]:
    """The classes, the scaling, and sentences about what is doubtful in them.

    Raises
    ------
    HumanlikeError
        They cannot be told from the labels, or there are none.
    """
    from humanlike.networks.trial import compare

    labels = set(faces.table["expression"].dropna())
    customary = known_orders(opened.outputs, labels)
    orders = {"--classes": given} if given else customary
    if not orders:
        raise HumanlikeError(
            f"networks with {opened.outputs} outputs have no customary classes; name them in their "
            f"order with --classes, {OTHER} for what is no expression"
        )
    named = faces.table["expression"].isin({label for order in orders.values() for label in order})
    rows = np.flatnonzero(named)
    if not len(rows):
        return without_labels(opened, faces, given, asked)
    if len(rows) > TRIED:
        rows = np.sort(np.random.default_rng(0).choice(rows, TRIED, replace=False))
    truth = list(faces.table["expression"].iloc[rows])
    tried = try_scalings(opened, faces.images[rows])
    others = {name: order for name, order in customary.items() if order != given}
    table, best = compare(tried, {**orders, **others}, truth)
    typer.echo(
        f"\nAccuracy on {len(rows)} faces, by order of the classes and scaling of the input:"
    )
    typer.echo(f"\n{table.round(3).to_string()}\n")

    scaling, order = asked.scaling, "--classes"
    if not given or scaling is None:
        scaling, order = choose(opened, tried, orders, truth, asked)
        name = "" if given else f" ({order})"
        typer.echo(f"Taken: --input {scaling} --classes {','.join(orders[order])}{name}")
    doubts = {}
    # Some order calls the one class of a network that always says the same by a frequent label.
    if best.above_chance and (scaling, order) in best.worse:
        words = f"--input {best.scaling}"
        if best.order != order:
            words += f" --classes {','.join({**orders, **others}[best.order])}"
        doubts["doubt"] = (
            f"With {words} {best.accuracy:.3f} of the faces are right, and as it is "
            f"{float(table[scaling][order]):.3f}: what was asked for is probably wrong"
        )
        typer.echo(doubts["doubt"])
    return orders[order], scaling, doubts


def choose(
    opened: Foreign,
    tried: dict[str, NDArray[np.floating]],
    orders: dict[str, tuple[str, ...]],
    truth: Sequence[str],
    asked: Asked,
) -> tuple[str, str]:
    """The scaling and the name of the order that the labels tell or else, with them, the file.

    Raises
    ------
    HumanlikeError
        Neither does.
    """
    from humanlike.networks.trial import compare

    allowed = {asked.scaling: tried[asked.scaling]} if asked.scaling else tried
    _, choice = compare(allowed, orders, truth)
    if choice.clear:
        return choice.scaling, choice.order
    classes, scaling = shown_by_file(opened)
    if scaling and not asked.scaling:
        allowed = {scaling: tried[scaling]}
    if classes in orders.values():
        orders = {name: order for name, order in orders.items() if order == classes}
    if len(allowed) > 1 or len(orders) > 1:
        _, choice = compare(allowed, orders, truth)
        if not choice.clear:
            raise HumanlikeError(ask(choice, orders, truth))
        return choice.scaling, choice.order
    typer.echo("These labels cannot tell; the file does:")
    return next(iter(allowed)), next(iter(orders))


def shown_by_file(opened: Foreign) -> tuple[tuple[str, ...] | None, str | None]:
    """Classes and scaling as a file itself shows them, where it does."""
    ours = opened.name in NETWORKS and opened.outputs == 6
    classes = known_orders(6)["FER2013"] if ours else None
    return classes, "0..255" if opened.scales_itself else None


def try_scalings(opened: Foreign, images: NDArray[np.uint8]) -> dict[str, NDArray[np.floating]]:
    """Probabilities that a network gives with every scaling."""
    seen = network_images(images, opened.size)
    outputs = {scaling: opened.predict(seen, scaling) for scaling in SCALINGS}
    if all(are_probabilities(rows) for rows in outputs.values()):
        return dict(outputs)
    return {scaling: softmax(rows) for scaling, rows in outputs.items()}


def ask(choice: Choice, orders: dict[str, tuple[str, ...]], truth: Sequence[str]) -> str:
    """One line that asks for what the labels leave open."""
    if len(set(truth)) == 1:
        return (
            f"the only label here that the network may know is {truth[0]}, and one alone tells "
            "nothing: say how the network was trained, with --input and --classes, or take "
            "photographs of more expressions"
        )
    if not choice.above_chance:
        return (
            "no scaling and order of classes gets more faces right than naming the most frequent "
            f"label always (the best, {choice.accuracy:.3f}): say how the network was trained, with"
            " --input and --classes"
        )
    pairs = [(choice.scaling, choice.order), *choice.rivals]
    scalings = dict.fromkeys(scaling for scaling, _ in pairs)
    names = dict.fromkeys(order for _, order in pairs)
    asked = []
    if len(scalings) > 1:
        asked.append(f"--input, one of {', '.join(scalings)}")
    if len(names) > 1:
        each = "; ".join(f"{name}: {','.join(orders[name])}" for name in names)
        asked.append(f"--classes, perhaps one of {each}")
    return f"these faces do not tell which fits; add {', and '.join(asked)}"


def without_labels(
    opened: Foreign, faces: Faces, given: tuple[str, ...] | None, asked: Asked
) -> tuple[tuple[str, ...], str, dict[str, str]]:
    """Classes and scaling where no label tells: as asked for, or as the file shows."""
    classes, scaling = shown_by_file(opened)
    given, scaling = given or classes, asked.scaling or scaling
    if scaling is None:
        some = faces.images[:TRIED]
        rows = try_scalings(opened, some)
        shares = {
            s: np.bincount(p.argmax(axis=1), minlength=opened.outputs) / len(some)
            for s, p in rows.items()
        }
        table = pd.DataFrame(shares).T.rename_axis("input")
        typer.echo("\nShare of the faces for which each output is the greatest:")
        typer.echo(f"\n{table.round(3).to_string()}\n")
    missing = [
        option for option, value in (("--classes", given), ("--input", scaling)) if value is None
    ]
    if given is None or scaling is None:
        raise HumanlikeError(
            f"no photograph has a label to tell by: add {' and '.join(missing)}, or --labels"
        )
    words = f"No label tells whether this is right: --input {scaling} --classes {','.join(given)}"
    typer.echo(words)
    return given, scaling, {} if asked.scaling and asked.classes else {"assumed": words}


def write(
    output: Path,
    values: dict[str, Any],
    faces: Faces,
    left_out: pd.DataFrame,
    of_others: int,
    found: dict[str, str],
) -> None:
    """Make the small project that the stages run in."""
    artifacts.write_json(output / MARK, found)
    with artifacts.whole(output / "params.yaml") as temporary:
        YAML(typ="safe", pure=True).dump(values, temporary)
    table = faces.table.assign(face=range(len(faces.table)), fold=FOLD)
    artifacts.write_table(
        output / artifacts.FACES / "faces.csv",
        table[["face", "dataset", "subject", "expression", "fold", "source"]],
    )
    for name in ("images", "landmarks"):
        with artifacts.whole(output / artifacts.FACES / f"{name}.npy") as temporary:
            np.save(temporary, getattr(faces, name))
    artifacts.write_table(output / artifacts.PLOTS / "rejected.csv", left_out)
    artifacts.write_json(
        output / artifacts.METRICS / "preprocess.json",
        {
            "faces": len(table),
            "subjects": int(table["subject"].nunique()),
            "left_out": dict(sorted(Counter(left_out["reason"]).items())),
            "of_other_expressions": of_others,
        },
    )


def run(folder: Path, *command: str) -> None:
    """Run a command of ours in a folder; what it says is said, and its failure is ours."""
    # -P: modules are not looked for in the folder.
    program: Sequence[str] = (sys.executable, "-P", "-m", "humanlike.cli")
    done = subprocess.run([*program, *command], cwd=folder, check=False)
    if done.returncode:
        raise typer.Exit(done.returncode if done.returncode > 0 else 1)

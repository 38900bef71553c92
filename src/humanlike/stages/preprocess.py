"""Photographs of every data set to aligned faces, landmarks and folds."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike import artifacts, datasets
from humanlike.datasets import Listing
from humanlike.datasets.check import report
from humanlike.datasets.folds import assign_folds
from humanlike.datasets.table import BY_DESIGN, UNUSED_FRAME
from humanlike.errors import HumanlikeError
from humanlike.faces.extract import Face, extract_faces
from humanlike.params import Params, Preprocess, load
from humanlike.progress import bar


def run() -> None:
    """Write the faces of all photographs in `data/`, and list each photograph that is left out.

    Raises
    ------
    HumanlikeError
        There are no photographs of two expressions, no face in any of them, or fewer subjects than
        folds.
    """
    params = load()
    listing = datasets.read(
        artifacts.DATA,
        ckplus_apex_frames=params.preprocess.ckplus_apex_frames,
        bu4dfe_apex_frames=params.preprocess.bu4dfe_apex_frames,
    )
    wanted = listing.photographs["expression"].isin(params.expressions)
    photographs = listing.photographs[wanted].reset_index(drop=True)
    if photographs.empty:
        raise HumanlikeError(
            f"{artifacts.DATA}/: no photograph of any of {', '.join(params.expressions)}; "
            f"`humanlike datasets check {artifacts.DATA}` says what was recognised"
        )
    (first, *more) = photographs["expression"].unique()
    if not more:
        others = sorted(set(listing.photographs["expression"]) - {first})
        there = f" {', '.join(others)} can be added to `expressions`" if others else ""
        raise HumanlikeError(
            f"{artifacts.DATA}/: of {', '.join(params.expressions)} only {first} is there, and "
            f"networks tell two or more apart;{there or ' add photographs of others'}"
        )
    found, rejected = extract_all(photographs, params.preprocess)
    faces = photographs.loc[found.index].assign(**found).reset_index(drop=True)
    faces["fold"] = assign_folds(faces, params.preprocess.folds, params.preprocess.seed)
    faces.insert(0, "face", range(len(faces)))

    artifacts.write_table(
        artifacts.FACES / "faces.csv",
        faces[["face", "dataset", "subject", "expression", "fold", "source", "detector"]],
    )
    _write_votes(faces)
    shared = report(artifacts.DATA, listing).shared[["subject", "other"]].drop_duplicates()
    if len(shared):
        print(
            f"{len(shared)} pairs of subjects may be one person each, and then are on both sides of"
            f" a fold: see `humanlike datasets check {artifacts.DATA}`",
            file=sys.stderr,
        )
    skipped = listing.skipped[~listing.skipped["reason"].isin(BY_DESIGN)]
    left_out = pd.concat([skipped[["source", "reason"]], rejected])
    artifacts.write_table(artifacts.PLOTS / "rejected.csv", left_out)
    counts = summary(listing, faces, left_out, params)
    counts["subjects_that_look_shared"] = len(shared)
    artifacts.write_json(artifacts.METRICS / "preprocess.json", counts)


def extract_all(
    photographs: pd.DataFrame, settings: Preprocess
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write images.npy and landmarks.npy of the photographs in which one face is found.

    Returns
    -------
    found
        Columns `detector, overhangs` of the photographs whose faces were written, in order; the
        index says which photographs.
    rejected
        Columns `source, reason`, one row for each other photograph.
    """
    kept: list[int] = []
    told: list[tuple[str, bool]] = []
    rejected: list[tuple[str, str]] = []
    landmarks: list[NDArray[np.float32]] = []
    with artifacts.whole(artifacts.FACES / "images.npy") as path, path.open("wb") as file:
        # One by one, as the faces of a large data set would not fit in memory; but the room for all
        # is taken at once, so that a full disk is known before hours of work.
        os.posix_fallocate(file.fileno(), 0, len(photographs) * settings.size**2)
        _write_header(file, len(photographs), settings.size)
        for position, face in enumerate(_faces(photographs, settings)):
            if isinstance(face, str):
                rejected.append((photographs["source"][position], face))
                continue
            file.write(face.image.tobytes())
            landmarks.append(face.landmarks)
            told.append((face.detector, face.overhangs))
            kept.append(position)
        if not kept:
            raise HumanlikeError(
                f"{artifacts.DATA}/: no face found in any of {len(photographs)} photographs; "
                f"the first: {rejected[0][0]}: {rejected[0][1]}"
            )
        file.truncate()
        file.seek(0)
        _write_header(file, len(kept), settings.size)
    with artifacts.whole(artifacts.FACES / "landmarks.npy") as path:
        np.save(path, np.stack(landmarks))
    return (
        pd.DataFrame(told, index=kept, columns=["detector", "overhangs"]),
        pd.DataFrame(rejected, columns=["source", "reason"]),
    )


def _faces(photographs: pd.DataFrame, settings: Preprocess) -> Iterator[Face | str]:
    """Give the face of each photograph in turn, or the reason why there is none."""
    found = extract_faces(
        datasets.places(photographs, artifacts.DATA),
        settings.detector,
        settings.size,
        settings.upsample,
        largest=settings.faces == "largest",
    )
    yield from bar(found, "preprocess", total=len(photographs), unit="photograph")


def _write_header(file: BinaryIO, count: int, size: int) -> None:
    """Begin a .npy file of so many images; NumPy leaves room there for any other number."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size)}
    np.lib.format.write_array_header_1_0(file, header)


def _write_votes(faces: pd.DataFrame) -> None:
    """Write what people said of the faces, where their data sets tell."""
    path = artifacts.FACES / "votes.csv"
    path.unlink(missing_ok=True)
    voted = faces[faces["votes"].notna()]
    if len(voted):
        votes = pd.DataFrame(list(voted["votes"]), index=voted["face"]).reset_index()
        artifacts.write_table(path, votes)


def summary(
    listing: Listing, faces: pd.DataFrame, left_out: pd.DataFrame, params: Params
) -> dict[str, Any]:
    """Count what came in and what was left out.

    `overhanging` faces have a landmark of jaw or chin beyond the photograph.
    """
    named = listing.photographs["expression"].isin(params.expressions)
    # Particulars of one picture stand in parentheses.
    reasons = Counter(reason.partition(" (")[0] for reason in left_out["reason"])
    by_set = {
        name: {
            "faces": len(rows),
            "subjects": rows["subject"].nunique(),
            **rows["expression"].value_counts().reindex(params.labels, fill_value=0).to_dict(),
        }
        for name, rows in faces.groupby("dataset")
    }
    return {
        "faces": len(faces),
        "subjects": int(faces.groupby("dataset")["subject"].nunique().sum()),
        "overhanging": int(faces["overhangs"].sum()),
        "left_out": dict(sorted(reasons.items())),
        "of_other_expressions": int((~named).sum()),
        "unused_frames": int((listing.skipped["reason"] == UNUSED_FRAME).sum()),
        "datasets": by_set,
        # There, each picture counts as a subject: two of one person may be on both sides of a fold.
        "without_subjects": listing.without_subjects,
    }

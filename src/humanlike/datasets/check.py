"""What was understood of a folder of data sets, before hours of work are spent on it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from humanlike.datasets.reading import Listing
from humanlike.datasets.table import BY_DESIGN
from humanlike.expressions import LABELS

#: Rows of a table that `render` shows.
MOST_ROWS = 30


@dataclass(frozen=True)
class Report:
    """Findings on a folder of data sets.

    Attributes
    ----------
    sets : DataFrame
        One row for each data set: `dataset`, `form`, `subjects` ("unnamed" where each picture
        counts as one), `images`, one column for each of `humanlike.expressions.LABELS`, and
        `skipped`, pictures left out by design not counted.
    skipped : DataFrame
        `dataset`, `reason`, and how many `images` of how many `sequences`.
    duplicates : DataFrame
        Images with the same content: `content` (SHA-256), `dataset`, `subject`, `source`.
    shared : DataFrame
        Subjects that look like one person: `subject`, `other`, `reason`.
    """

    sets: pd.DataFrame
    skipped: pd.DataFrame
    duplicates: pd.DataFrame
    shared: pd.DataFrame


def report(folder: Path, listing: Listing) -> Report:
    """Count what a listing holds and look for images and subjects that are there twice.

    Parameters
    ----------
    folder : Path
        The folder that was listed; images of equal size are read from it and compared.
    listing : Listing
        From `humanlike.datasets.read`.
    """
    duplicates = _duplicates(folder, listing.photographs)
    named = ~listing.photographs["dataset"].isin(listing.without_subjects)
    shared = pd.concat([_of_one_name(listing.photographs[named]), _of_one_content(duplicates)])
    shared = shared.sort_values(["subject", "other", "reason"], ignore_index=True)
    return Report(_sets(listing), _skipped(listing.skipped), duplicates, shared)


def render(findings: Report) -> str:
    """A report as text for a terminal: control characters escaped, long tables cut."""
    parts = [_table("Data sets", findings.sets)]
    titles = {
        "Left out": findings.skipped,
        "Images with the same content": findings.duplicates.assign(
            content=findings.duplicates["content"].str[:8]
        ),
        "Subjects that may be one person, and would then be on both sides of a fold": (
            findings.shared
        ),
    }
    parts += [_table(title, table) for title, table in titles.items() if len(table)]
    return "\n\n".join(parts)


def _sets(listing: Listing) -> pd.DataFrame:
    rows = []
    for dataset, form in sorted(listing.forms.items()):
        images = listing.photographs[listing.photographs["dataset"] == dataset]
        skipped = listing.skipped[listing.skipped["dataset"] == dataset]
        counts = images["expression"].value_counts().reindex(LABELS, fill_value=0)
        rows.append(
            {
                "dataset": dataset,
                "form": form,
                "subjects": (
                    "unnamed"
                    if dataset in listing.without_subjects
                    else images["subject"].nunique()
                ),
                "images": len(images),
                **counts.to_dict(),
                "skipped": int((~skipped["reason"].isin(BY_DESIGN)).sum()),
            }
        )
    return pd.DataFrame(rows, columns=["dataset", "form", "subjects", "images", *LABELS, "skipped"])


def _skipped(skipped: pd.DataFrame) -> pd.DataFrame:
    named = skipped.assign(sequence=skipped["sequence"].where(skipped["sequence"] != ""))
    groups = named.groupby(["dataset", "reason"])
    return groups.agg(images=("file", "size"), sequences=("sequence", "nunique")).reset_index()


def _duplicates(folder: Path, photographs: pd.DataFrame) -> pd.DataFrame:
    sizes = photographs["file"].map(lambda file: _size(folder / file))
    alike = photographs[sizes.duplicated(keep=False) & (sizes > 0)]
    offsets = (None if offset is pd.NA else offset for offset in alike["offset"])
    places = zip(alike["file"], offsets, strict=True)
    contents = pd.Series(
        [_content(folder / file, offset) for file, offset in places], alike.index, dtype=str
    )
    found = alike.assign(content=contents)[contents.duplicated(keep=False) & (contents != "")]
    return found.sort_values(["content", "source"], ignore_index=True)[
        ["content", "dataset", "subject", "source"]
    ]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _content(path: Path, offset: int | None) -> str:
    try:
        with path.open("rb") as file:
            if offset is None:
                return hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(offset)
            return hashlib.sha256(file.readline().partition(b",")[0].strip()).hexdigest()
    except OSError:
        return ""


def _of_one_name(photographs: pd.DataFrame) -> pd.DataFrame:
    subjects = photographs[["dataset", "subject"]].drop_duplicates()
    names = [
        subject.removeprefix(f"{dataset}/").casefold()
        for dataset, subject in subjects.itertuples(index=False)
    ]
    groups = subjects.groupby(pd.Series(names, subjects.index, dtype=str))["subject"]
    return _pairs((list(group) for _, group in groups), "same name in two data sets")


def _of_one_content(duplicates: pd.DataFrame) -> pd.DataFrame:
    groups = duplicates.groupby("content")["subject"].unique()
    return _pairs((sorted(group) for group in groups), "an image in common").drop_duplicates()


def _pairs(groups: Iterable[list[str]], reason: str) -> pd.DataFrame:
    """Each group's first subject with each of its others."""
    pairs = [(first, other, reason) for first, *others in groups for other in others]
    return pd.DataFrame(pairs, columns=["subject", "other", "reason"])


def _table(title: str, table: pd.DataFrame) -> str:
    if table.empty:
        return f"{title}\nnone"
    escaped = table.map(lambda value: _escaped(value) if isinstance(value, str) else value)
    text = f"{title}\n{escaped.head(MOST_ROWS).to_string(index=False)}"
    return text if len(table) <= MOST_ROWS else f"{text}\n… and {len(table) - MOST_ROWS} more"


def _escaped(text: str) -> str:
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )

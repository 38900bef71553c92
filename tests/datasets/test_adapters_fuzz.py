"""No name of a file and no text of a label file breaks an adapter, and no image is lost."""

from functools import partial
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanlike.datasets import fega, folders, reading
from humanlike.datasets.reading import recognise
from humanlike.datasets.table import Photograph, Tree
from humanlike.expressions import LABELS

FRAMES = {"ckplus": {"apex_frames": 2}, "bu4dfe": {"apex_frames": 3}}
ADAPTERS = {
    name: partial(module.photographs, **FRAMES.get(name, {}))
    for name, module in {**reading.ADAPTERS, "folders": folders}.items()
}

part = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), max_size=8)
like_a_set = st.from_regex(
    r"(S\d{3}/)?S\d{3}_\d{3}_\d{1,12}|[FM]\d{3}([/_])[A-Z][a-z]{2,7}\2\d{3}|[A-Z]{2}[._](AN|XX)\d?[._]\d+"
    r"|[A-Z]{2,3}\d?_\d+|\d+_[FM]_\d+_.{1,6}_(Paura|Neutra|Noia)_\d+|(happy/)?(train|Training)_\d{1,5}(_aligned)?"
    r"|(train|val)_set/(images/\d|annotations/\d_exp)|(happy|Anger)/.{1,6}",
    fullmatch=True,
)
names = st.one_of(
    like_a_set,
    st.lists(part.filter(lambda name: name not in ("", ".", "..")), min_size=1, max_size=3).map(
        "/".join
    ),
)
suffixes = st.sampled_from([".png", ".tiff", ".JPG", ".txt", ".csv", "_emotion.txt", ""])


@pytest.mark.parametrize("form", ADAPTERS)
@settings(max_examples=40)
@given(
    files=st.lists(st.builds("{}{}".format, names, suffixes), max_size=12, unique=True),
    text=st.text(max_size=40)
    | st.from_regex(r"(AA_1[,;\t]\w+\n)*|\s*\d(\.0+e\+00)?", fullmatch=True),
)
def test_every_image_is_a_photograph_or_skipped(form: str, files: list[str], text: str) -> None:
    tree = Tree(tuple(sorted(files)), lambda file: BytesIO(text.encode()))
    rows = list(ADAPTERS[form](tree))
    assert sorted(row.file for row in rows) == sorted(tree.images)
    for row in rows:
        if isinstance(row, Photograph):
            assert row.expression in LABELS
            assert row.subject
            assert row.frame is None or 0 <= row.frame < 2**31
        else:
            assert row.reason


@given(name=st.text(max_size=10), images=st.lists(st.builds("{}.png".format, names), max_size=5))
def test_every_folder_has_a_form(name: str, images: list[str]) -> None:
    assert recognise(name, images) in ADAPTERS


@given(
    first=st.text(st.characters(categories=["L"]), min_size=1, max_size=8),
    number=st.integers(0, 99),
)
def test_pseudonyms_hide_names_and_keep_pictures_apart(first: str, number: int) -> None:
    file = f"3_F_25_{first}_Paura_{number}.png"
    other = f"3_F_25_{first.upper()}_Allegria_{number}.png"
    hidden = fega.pseudonym(file)
    subject, expression, rest = hidden.split("_")
    assert (expression, rest) == ("fear", f"{number}.png")
    assert len(subject) == 10
    assert set(subject) <= set("0123456789abcdef")
    if first.upper().casefold() == first.casefold():
        assert fega.pseudonym(other).startswith(subject)

import csv
import io
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from humanlike.datasets.labelled import parse_labels, photographs
from humanlike.datasets.table import Photograph, Skipped, Tree
from humanlike.errors import HumanlikeError

FILES = ("a.png", "deep/b.jpg", "naïve.png", "odd-suffix.dat")


def read(text: str | bytes, files: tuple[str, ...] = FILES) -> list[Photograph | Skipped]:
    content = text.encode() if isinstance(text, str) else text
    tree = Tree((*files, "labels.csv"), lambda _: BytesIO(content))
    return list(photographs(tree))


def photographed(text: str) -> list[Photograph]:
    return [row for row in read(text) if isinstance(row, Photograph)]


def reasons(text: str) -> dict[str, str]:
    return {row.file: row.reason for row in read(text) if isinstance(row, Skipped)}


@pytest.mark.parametrize(
    "text",
    [
        "file,subject,expression\na.png,p1,happy\n",
        "\ufeffFile, Subject ,EXPRESSION\r\n./a.png,p1,Happiness\r\n\r\n",
        "expression;note;file;subject\njoy;x;a.png;p1\n",
        "subject\texpression\tfile\np1\tHA\ta.png",
        'file,subject,expression\n"a.png","p1","happiness"',
    ],
)
def test_shapes_of_the_table(text: str) -> None:
    assert photographed(text) == [Photograph("a.png", "p1", "happiness")]


def test_files_of_any_suffix_in_any_unicode_form() -> None:
    decomposed = "nai\u0308ve.png"
    text = f"file,subject,expression\n{decomposed},1,sad\nodd-suffix.dat,2,fear\ndeep\\b.jpg,3,ne\n"
    assert [row.file for row in photographed(text)] == ["naïve.png", "odd-suffix.dat", "deep/b.jpg"]


def test_every_file_left_out_has_its_reason() -> None:
    text = "file,subject,expression\na.png,1,bored\ngone.png,1,anger\n"
    assert reasons(text) == {
        "a.png": "unknown expression 'bored'",
        "gone.png": "file is missing",
        "deep/b.jpg": "not in labels.csv",
        "naïve.png": "not in labels.csv",
    }


@pytest.mark.parametrize(
    "path",
    [
        "../a.png",
        "/etc/passwd",
        "deep/../../a.png",
        "deep/../a.png",
        "..\\a.png",
        "C:\\a.png",
        "..",
    ],
)
def test_paths_cannot_leave_the_folder(path: str) -> None:
    text = f"file,subject,expression\n{path},1,anger\n"
    assert photographed(text) == []
    assert reasons(text)[path] == "path leads out of the data set's folder"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["line 1", "'file'"]),
        ("file,subject\na.png,1\n", ["line 1", "'expression'"]),
        ("file,file,subject,expression\n", ["line 1", "'file'"]),
        ("file,subject,expression\na.png,1,anger\nb.png,,anger\n", ["line 3", "'subject'"]),
        ("file,subject,expression\n,1,anger\n", ["line 2", "'file'"]),
        ("file,subject,expression\na.png,1\n", ["line 2", "'expression'"]),
        ("file,subject,expression\na,b.png,1,anger\n", ["line 2", "4 values"]),
        ('file,subject,expression\n"a.png,1,anger\n', ["line", "not CSV"]),
        ("file,subject,expression\na\0.png,1,anger\n", ["line 2", "'file'"]),
        (b"file,subject,expression\na.png,1,anger\n\xe9.png,1,fear\n", ["line 3", "UTF-8"]),
        ("file,subject,expression\n".encode("utf-16"), ["line 1", "UTF-8"]),
    ],
)
def test_malformed_tables_name_the_place(text: str | bytes, parts: list[str]) -> None:
    with pytest.raises(HumanlikeError) as error:
        read(text)
    for part in ["labels.csv", *parts]:
        assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_repeated_rows_count_once() -> None:
    text = "file,subject,expression\na.png,1,anger\na.png,1,anger\n"
    assert len(photographed(text)) == 1


def test_contradictions_are_all_named_and_only_they_are_left_out() -> None:
    text = (
        "file,subject,expression\na.png,1,anger\ndeep/b.jpg,1,fear\n./a.png,1,sad\n"
        "naïve.png,1,joy\ndeep/b.jpg,2,fear\nodd-suffix.dat,1,happy\nodd-suffix.dat,1,joy\n"
        "a.png,1,anger\n"
    )
    assert reasons(text) == {
        "a.png": "labels.csv gives it two labels (lines 2 and 4 and 9)",
        "deep/b.jpg": "labels.csv gives it two labels (lines 3 and 6)",
    }
    assert [row.file for row in photographed(text)] == ["naïve.png", "odd-suffix.dat"]


values = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda text: text == text.strip() and "\0" not in text and not text.isspace()
)


@given(st.lists(st.tuples(values, values, values), max_size=5))
@example([("a\rb", 'quo"te', "new\nline")])
def test_what_a_csv_writer_writes_is_read_back(rows: list[tuple[str, str, str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([("file", "subject", "expression"), *rows])
    assert [row for _, row in parse_labels(text.getvalue())] == rows


@given(
    st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(',;\t"\n\r'), max_size=80)
)
@example("file,subject,expression\r")
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    for table in (text, "file,subject,expression\n" + text):
        try:
            found = read(table)
        except HumanlikeError as error:
            assert "\n" not in str(error)
        else:
            assert all(row.file in FILES for row in found if isinstance(row, Photograph))


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        read(b"file,subject,expression\n" + content)
    except HumanlikeError as error:
        assert "labels.csv" in str(error)


def test_unreadable_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from humanlike import datasets

    (tmp_path / "set").mkdir()
    (tmp_path / "set/labels.csv").touch()

    def deny(path: Path, mode: str) -> BytesIO:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(HumanlikeError, match=r"set/labels\.csv cannot be read"):
        datasets.read(tmp_path)

from pathlib import Path

import pandas as pd
import pytest

from humanlike.errors import HumanlikeError
from humanlike.people import readers
from humanlike.people.behaviour import choice_counts
from humanlike.people.trials import TRIALS
from humanlike.people_files import read_published
from humanlike.people_params import Table

WIDE = pd.DataFrame(
    {
        "filename": ["a/1.png", "a/2.png"],
        "participant0": ["happy", "sad"],
        "participant1": ["3", ""],
        "label": ["happiness", "fear"],
    }
)
ANSWERS = {"3": "Happiness", "9": "-"}


def test_a_wide_table_becomes_trials() -> None:
    found = readers.read_wide(WIDE, "w.csv", "filename", ["participant*"], ANSWERS, "label")
    assert list(found) == list(TRIALS) and set(found["task"]) == {"categorise"}
    assert found[["observer", "stimulus", "response"]].to_numpy().tolist() == [
        ["participant0", "a_1.png", "happiness"],
        ["participant0", "a_2.png", "sadness"],
        ["participant1", "a_1.png", "happiness"],
    ]
    assert found["correct"].tolist() == [1, 0, 1] and found["trial"].tolist() == [1, 2, 1]
    assert found["rt"].isna().all()


def test_without_a_truth_nothing_is_right_or_wrong() -> None:
    found = readers.read_wide(WIDE, "w.csv", "filename", ["participant0"])
    assert found["correct"].isna().all()


def test_counts_become_votes_that_count_the_same() -> None:
    table = pd.DataFrame({"id": ["x", "y"], "AN": ["2", "0"], "FE": ["1", "4"], "NF": ["1", ""]})
    counts = {"AN": "anger", "FE": "fear", "NF": "-"}
    found = readers.read_counts(table, "c.csv", "id", counts)
    assert choice_counts(found, ["anger", "fear"]).to_numpy().tolist() == [[2, 1], [0, 4]]


def test_a_long_table_becomes_trials() -> None:
    table = pd.DataFrame(
        {
            "subj": ["p 1", "p 1", "p 2"],
            "img": ["x", "y", "x"],
            "answer": ["angry", "fearful", "9"],
            "emotion": ["anger", "anger", "anger"],
            "RT": ["1500", "", "700"],
        }
    )
    columns = {"observer": "subj", "stimulus": "img", "response": "answer", "truth": "emotion"}
    found = readers.read_long(table, "l.csv", columns | {"rt": "RT"}, ANSWERS, milliseconds=True)
    assert found["observer"].tolist() == ["p_1", "p_1"]
    assert found["correct"].tolist() == [1, 0]
    assert found["rt"][0] == 1.5 and found["rt"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stimulus": "file"}, "no column 'file'"),
        ({"raters": ["rater*"]}, r"no column is named rater\*"),
        ({"answers": {}}, "line 2, response: '3' is no expression"),
        ({"truth": "emotion"}, "no column 'emotion'"),
    ],
)
def test_a_map_that_does_not_fit_is_told_in_one_line(change: dict, said: str) -> None:
    told = {"stimulus": "filename", "raters": ["participant*"], "answers": ANSWERS} | change
    with pytest.raises(HumanlikeError, match=said) as refused:
        readers.read_wide(WIDE, "w.csv", **told)
    assert "\n" not in str(refused.value)


def test_broken_counts_and_names_that_collide_are_told() -> None:
    table = pd.DataFrame({"id": ["x", "y"], "AN": ["2", "-1"]})
    with pytest.raises(HumanlikeError, match="line 3, AN: '-1'"):
        readers.read_counts(table, "c.csv", "id", {"AN": "anger"})
    twice = pd.DataFrame({"id": ["a b", "a_b"], "p": ["fear", "fear"]})
    with pytest.raises(HumanlikeError, match="the same code"):
        readers.read_wide(twice, "w.csv", "id", ["p"])


CODES = {"0": "neutral", "7": "contempt", "No emotion": "neutral", "9": "-"}

ODD = {
    "semicolons": "filename;rater.1;rater.2\na;anger;Happy\n",
    "tabs": "filename\trater.1\trater.2\na\tanger\tHappy\n",
    "a byte order mark and two signs for each end of a line": "\ufefffilename,rater.1,rater.2\r\n"
    "a,anger,Happy\r\n",
    "spaces": "filename, rater.1, rater.2\n a , ANGER,happy \n",
    "an index without a name": ",filename,rater.1,rater.2\n0,a,anger,happy\n",
    "more empty cells": "filename,rater.1,rater.2\na,anger,happy,,\n\n",
    "quotes": '"filename","rater.1","rater.2"\n"a","anger","happy"\n',
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_tables_are_read_as_programs_write_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_bytes(text.encode())
    table = read_published(tmp_path / "t.csv")
    found = readers.read_wide(table, "t.csv", "filename", ["rater*"], CODES)
    assert found[["observer", "stimulus", "response"]].to_numpy().tolist() == [
        ["rater_1", "a", "anger"],
        ["rater_2", "a", "happiness"],
    ]


def test_answers_are_known_in_any_spelling(tmp_path: Path) -> None:
    text = "f,r1,r2,r3,r4,r5,r6,r7,r8\na,0,0.0,no EMOTION,7.00,NaN,n/a,9,suprised\n"
    (tmp_path / "t.csv").write_text(text)
    found = readers.read_wide(read_published(tmp_path / "t.csv"), "t.csv", "f", ["r*"], CODES)
    assert found["observer"].tolist() == ["r1", "r2", "r3", "r4", "r8"]
    assert found["response"].tolist() == [*["neutral"] * 3, "contempt", "surprise"]
    # YAML reads an unquoted code as a number.
    table = {"file": "t.csv", "layout": "wide", "stimulus": "f", "raters": ["r*"]}
    assert Table.model_validate(table | {"answers": {0: "neutral"}}).answers == {"0": "neutral"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"filename,rater\na,anger\nb,anger,fear\n", "line 3 has 3 cells, and the header 2"),
        (b"filename,rater\n\nb\n", "line 3 has 1 cells"),
        (b"filename,rater,rater\na,fear,fear\n", "two columns are named 'rater'"),
        (b'filename,rater\n"a,fear\n', "line 2: not a table"),
        (b"", "it is empty"),
        (b"filename,rater\n", "no answer in it"),
        ("filename,rater\nm\xfcller,fear\n".encode("latin-1"), "not UTF-8"),
        (b"filename,rater\n\na,dunno\n", "line 3, response: 'dunno' is no expression"),
    ],
)
def test_what_is_no_table_is_told_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(HumanlikeError, match=said) as refused:
        readers.read_wide(read_published(tmp_path / "t.csv"), "t.csv", "filename", ["rater*"])
    assert "\n" not in str(refused.value)

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from humanlike.errors import HumanlikeError
from humanlike.people import trials as tables
from humanlike.people.trials import CLICKS, STIMULI, TRIALS

TRIAL = "o1,s1,1,uncover,face-1,anger,fear,anger,1,2.5,"
CLICK = "o1,s1,1,1,10.5,20,0.7,12"
STIMULUS = "face-1,face-1.png,anger,fear,s01,photograph,3"


def text(columns: dict, *rows: str) -> str:
    return "\n".join([",".join(columns), *rows, ""])


def trials(*rows: str) -> pd.DataFrame:
    table = tables.parse(text(TRIALS, *rows), TRIALS, "t.csv")
    tables.check_trials(table, "t.csv")
    return table


def changed(row: str, columns: dict, **values: str) -> str:
    cells = dict(zip(columns, row.split(","), strict=True)) | values
    return ",".join(cells.values())


def test_a_table_keeps_its_columns_dtypes_and_values(tmp_path: Path) -> None:
    found = trials(TRIAL, changed(TRIAL, TRIALS, trial="2", confidence="0.1", correct="", rt=""))
    assert list(found) == list(TRIALS)
    assert found["trial"].tolist() == [1, 2]
    assert found["correct"].isna().tolist() == [False, True]
    assert np.isnan(found["confidence"][0]) and found["confidence"][1] == 0.1
    file = tmp_path / "t.csv"
    file.write_text(tables.to_csv(found))
    pd.testing.assert_frame_equal(tables.read(file, TRIALS), found)


def test_floats_come_back_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    rows = [changed(TRIAL, TRIALS, trial=str(i + 1), rt=repr(rng.random())) for i in range(200)]
    found = trials(*rows)
    back = tables.parse(tables.to_csv(found), TRIALS, "t.csv")
    assert (back["rt"] == found["rt"]).all()
    assert [repr(rt) for rt in found["rt"]] == [row.split(",")[9] for row in rows]


def test_codes_that_look_like_numbers_or_nothing_stay_text() -> None:
    found = trials(changed(TRIAL, TRIALS, observer="007", session="NA"))
    assert found["observer"][0] == "007" and found["session"][0] == "NA"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"observer": ""}, "line 3, observer: nothing is not allowed"),
        ({"observer": "<script>"}, "line 3, observer: '<script>'"),
        ({"session": "../../x"}, "line 3, session"),
        ({"trial": "0"}, "line 3, trial: '0'"),
        ({"trial": "1.5"}, "line 3, trial: '1.5'"),
        ({"trial": "1"}, "line 3, trial: '1' is not allowed; give each trial of a session once"),
        ({"task": "look"}, "line 3, task: 'look' is not allowed; give one of uncover, categorise"),
        ({"stimulus": "a b"}, "line 3, stimulus"),
        ({"response": "joy"}, "line 3, response: 'joy'"),
        ({"response": "sadness"}, "give one of left and right"),
        ({"right": "anger"}, "line 3, right"),
        ({"right": ""}, "line 3, right: nothing"),
        ({"left": "", "right": ""}, "as uncover needs them"),
        ({"correct": "2"}, "line 3, correct: '2' is not allowed; give 0 or 1"),
        ({"correct": "0.5"}, "line 3, correct"),
        ({"rt": "-1"}, "line 3, rt: '-1'"),
        ({"rt": "inf"}, "line 3, rt"),
        ({"rt": "nan"}, "line 3, rt"),
        ({"confidence": "1.01"}, "line 3, confidence"),
        ({"observer": "o2"}, "give one observer a session"),
    ],
)
def test_a_broken_row_is_named_in_one_line(values: dict[str, str], said: str) -> None:
    with pytest.raises(HumanlikeError) as refused:
        trials(TRIAL, changed(TRIAL, TRIALS, **{"trial": "2", **values}))
    assert said in str(refused.value) and "\n" not in str(refused.value)
    assert str(refused.value).startswith("t.csv: ")


def test_several_broken_rows_are_counted() -> None:
    with pytest.raises(HumanlikeError, match=r"line 2, rt: .* \(and 1 more lines\)"):
        trials(changed(TRIAL, TRIALS, rt="x"), changed(TRIAL, TRIALS, rt="y"))


@pytest.mark.parametrize("content", ["", "a,b\n1,2,3\n1,2,3,4\n", "observer,session\no,s\n"])
def test_what_is_no_such_table_is_refused(content: str) -> None:
    with pytest.raises(HumanlikeError, match=r"not a table|no column"):
        tables.parse(content, TRIALS, "t.csv")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(HumanlikeError, match=r"cannot be read|not UTF-8"):
        tables.read(tmp_path / "t.csv", TRIALS)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"trial": "2"}, "a trial of that session"),
        ({"order": "3"}, "line 3, order: '3'"),
        ({"order": "1"}, "line 3, order: '1'"),
        ({"order": "2", "t": "0.1"}, "times that grow"),
        ({"order": "2", "x": "64"}, "line 3, x: '64.0' is not allowed; give a place from -0.5"),
        ({"order": "2", "radius": "0"}, "line 3, radius"),
    ],
)
def test_broken_clicks_are_named(second: dict[str, str], said: str) -> None:
    with pytest.raises(HumanlikeError, match=said):
        clicks = tables.parse(text(CLICKS, CLICK, changed(CLICK, CLICKS, **second)), CLICKS, "c")
        tables.check_clicks(clicks, trials(TRIAL), side=64)


def test_clicks_may_come_in_any_order_of_rows() -> None:
    second = changed(CLICK, CLICKS, order="2", t="1")
    found = tables.parse(text(CLICKS, second, CLICK), CLICKS, "c")
    tables.check_clicks(found, trials(TRIAL), side=64)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"stimulus": "face-2"}, "one of stimuli.csv"),
        ({"correct": "0"}, "line 2, correct: '0'"),
        ({"response": "fear"}, "line 2, correct: '1'"),
        ({"left": "sadness", "right": "fear", "response": "fear"}, "holds the stimulus's"),
    ],
)
def test_forged_answers_are_named(values: dict[str, str], said: str) -> None:
    stimuli = tables.parse(text(STIMULI, STIMULUS), STIMULI, "stimuli.csv")
    tables.check_answers(trials(TRIAL), stimuli)
    with pytest.raises(HumanlikeError, match=said):
        tables.check_answers(trials(changed(TRIAL, TRIALS, **values)), stimuli)


def test_stimuli_are_named_once_and_leave_no_folder() -> None:
    for row in (STIMULUS, changed(STIMULUS, STIMULI, other="anger", stimulus="b", file="b.png")):
        with pytest.raises(HumanlikeError):
            found = tables.parse(text(STIMULI, STIMULUS, row), STIMULI, "stimuli.csv")
            tables.check_stimuli(found)
    with pytest.raises(HumanlikeError, match="line 2, file"):
        row = changed(STIMULUS, STIMULI, file="../x.png")
        tables.parse(text(STIMULI, row), STIMULI, "stimuli.csv")

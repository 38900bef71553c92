import json
import math

import pytest
from experiments import ANSWER, ENVELOPE, STUDY, TRIALS
from hypothesis import given
from hypothesis import strategies as st

from humanlike.errors import HumanlikeError
from humanlike.people.experiment.study import (
    Study,
    check_answer,
    check_envelope,
    public_id,
)


def test_a_study_survives_json() -> None:
    assert Study.from_json(STUDY.to_json()) == STUDY
    for text in ("", "[]", "{}", '{"lists": 3}', '{"lists": [], "more": 1}'):
        with pytest.raises(ValueError):
            Study.from_json(text)


def test_what_is_allowed_is_taken() -> None:
    assert check_answer(ANSWER, STUDY, TRIALS, 1) == ANSWER
    assert check_answer(ANSWER | {"clicks": []}, STUDY, TRIALS, 1)["clicks"] == []
    assert check_envelope(ENVELOPE | ANSWER, STUDY) == ENVELOPE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stimulus": "s2"}, "stimulus: 's2' is not that of this trial"),
        ({"stimulus": None}, "stimulus: null is not"),
        ({"response": "joy"}, "response: 'joy' was not offered"),
        ({"response": ["fear"]}, "response: a list was not offered"),
        ({"response": "<script>alert(1)</script>\x1b[2J"}, r"'<script>alert(1)</script>\\x1b[2J'"),
        ({"rt": "2"}, "rt: '2' is not allowed; give 0 to 86400"),
        ({"rt": True}, "rt: true is not"),
        ({"rt": -1}, "rt: -1 is not"),
        ({"rt": math.nan}, "rt: NaN is not"),
        ({"rt": math.inf}, "rt: Infinity is not"),
        ({"rt": 10**5000}, "rt: a number of many digits is not"),
        ({"confidence": 0.6}, "confidence: 0.6 is none of the 5 levels"),
        ({"confidence": None}, "confidence: null is not allowed; give 0 to 1"),
        ({"clicks": {}}, "clicks: not a list"),
        ({"clicks": [[1, 1, 1]] * 4}, "clicks: not a list, or more clicks than can be made"),
        ({"clicks": [[1, 1]]}, "clicks: a list is not x, y, t"),
        ({"clicks": [[31.6, 1, 1]]}, "clicks: 31.6 is not allowed; give -0.5 to 31.5"),
        ({"clicks": [[1, 1, 1], [1, 1, 0.9]]}, "clicks: 0.9 is not allowed; give 1 to 2.5"),
        ({"clicks": [[1, 1, 2.6]]}, "clicks: 2.6 is not allowed; give 0 to 2.5"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_named_in_a_line(change, said) -> None:
    with pytest.raises(HumanlikeError) as error:
        check_answer(ANSWER | change, STUDY, TRIALS, 1)
    assert said.replace("\\\\", "\\") in str(error.value)
    assert "\n" not in str(error.value) and "\x1b" not in str(error.value)
    assert len(str(error.value)) < 150


@pytest.mark.parametrize("number", [0, 3, -1])
def test_other_trials_are_refused(number) -> None:
    with pytest.raises(HumanlikeError, match=f"trial: {number} is not allowed; give 1 to 2"):
        check_answer(ANSWER, STUDY, TRIALS, number)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"study": "other"}, "study: 'other' is another than 0123456789abcdef"),
        ({"session": "short"}, "session: 'short' is not a code"),
        ({"withdrawal": "../../etc/passwd"}, "withdrawal: '../../etc/passwd' is not a code"),
        ({"observer": "a b"}, "observer: 'a b' is not a code"),
        ({"list": 1}, "list: 1 is not allowed; give 0 to 0"),
        ({"list": 0.0}, "list: 0.0 is not allowed"),
        ({"trial": False}, "trial: false is not allowed"),
        ({"more": 1}, "not an answer of this experiment"),
    ],
)
def test_a_forged_envelope_is_named_in_a_line(change, said) -> None:
    with pytest.raises(HumanlikeError, match=said.replace("/", "/")):
        check_envelope(ENVELOPE | ANSWER | change, STUDY)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(JSON | st.dictionaries(st.sampled_from(sorted(ANSWER)), JSON, min_size=5))
def test_anything_is_refused_without_a_traceback(answer) -> None:
    with pytest.raises(HumanlikeError):
        check_answer(answer, STUDY, TRIALS, 1)
    with pytest.raises(HumanlikeError):
        check_envelope(answer, STUDY)


@given(st.sampled_from(sorted(ANSWER)), JSON)
def test_what_passes_is_as_the_tables_need_it(key, value) -> None:
    try:
        answer = check_answer(ANSWER | {key: value}, STUDY, TRIALS, 1)
    except HumanlikeError:
        return
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert answer["response"] in ("anger", "fear") and 0 <= answer["rt"] <= 86400


def test_public_ids_tell_nothing() -> None:
    ids = {public_id(secret, kind) for secret in ("a", "b") for kind in ("session", "observer")}
    assert len(ids) == 4 and all(name.isalnum() for name in ids)

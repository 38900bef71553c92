"""What an experiment is, and what an observer's answer to it may be."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from humanlike.errors import HumanlikeError
from humanlike.people.experiment.lists import Trial

#: A session's secret and a withdrawal code: at least 96 bits from the server or the browser.
SECRET = re.compile(r"[A-Za-z0-9_-]{16,64}")

#: What a researcher may call an observer.
OBSERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

#: No answer takes longer, in seconds: what does is a clock gone wrong.
LONGEST = 86_400

#: What a record says, besides whose it is.
ANSWER = ("stimulus", "response", "rt", "confidence", "clicks")
#: Whose record it is.
ENVELOPE = ("study", "session", "observer", "withdrawal", "list", "trial")


@dataclass(frozen=True)
class Study:
    """An experiment as it was built; what the browser must not know included.

    Attributes
    ----------
    study : str
        Digest of all that the observers see, so that answers to another one are told apart.
    title : str
    task : str
        uncover or categorise.
    side : int
        Side of the stimuli in pixels.
    radius : float
        Of the discs, in pixels of the stimulus.
    clicks : int
        At most so many in a trial.
    confidence : int
        Levels of the scale; 0 where confidence is not asked.
    choices : list of str
        The expressions offered where a trial names no two.
    lists : list of list of Trial
    expressions : dict
        Stimulus -> its expression.
    """

    study: str
    title: str
    task: str
    side: int
    radius: float
    clicks: int
    confidence: int
    choices: list[str]
    lists: list[list[Trial]]
    expressions: dict[str, str]

    def to_json(self) -> str:
        """The study as JSON; `from_json` gives it back."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Study:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            It is something else.
        """
        try:
            values = json.loads(text)
            values["lists"] = [[Trial(*trial) for trial in each] for each in values["lists"]]
            return cls(**values)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a study ({error})") from None

    def offered(self, trial: Trial) -> list[str]:
        """The expressions that may be answered in a trial."""
        return [trial.left, trial.right] if trial.left else self.choices


def public_id(secret: str, kind: str) -> str:
    """What stands in published tables for a secret code, from which it cannot be told."""
    return kind[0] + hashlib.sha256(f"{kind} {secret}".encode()).hexdigest()[:12]


def check_answer(answer: Any, study: Study, trials: list[Trial], number: int) -> dict[str, Any]:
    """Check one trial's answer as it came from a browser, or from anybody.

    Parameters
    ----------
    answer
        Whatever JSON held: to be taken, a mapping of `ANSWER`, `rt` and the clicks' times in
        seconds since the face's onset, each click as x, y, t with x and y in stimulus pixels.
    study
    trials
        The session's list.
    number
        The trial, from 1.

    Returns
    -------
    dict
        The same, numbers as floats.

    Raises
    ------
    HumanlikeError
        Something is not allowed.
    """
    if not isinstance(answer, Mapping) or set(answer) != set(ANSWER):
        raise HumanlikeError(f"an answer has exactly {', '.join(ANSWER)}")
    if not 1 <= number <= len(trials):
        raise HumanlikeError(f"trial: {number} is not allowed; give 1 to {len(trials)}")
    trial = trials[number - 1]
    if answer["stimulus"] != trial.stimulus:
        raise HumanlikeError(f"stimulus: {_told(answer['stimulus'])} is not that of this trial")
    if answer["response"] not in study.offered(trial):
        raise HumanlikeError(f"response: {_told(answer['response'])} was not offered")
    rt = _number(answer["rt"], "rt", 0, LONGEST)
    return {
        "stimulus": trial.stimulus,
        "response": answer["response"],
        "rt": rt,
        "confidence": _confidence(answer["confidence"], study.confidence),
        "clicks": _clicks(answer["clicks"], study, rt),
    }


def check_envelope(record: Any, study: Study) -> dict[str, Any]:
    """Check whose a record is: `ENVELOPE`, of a line that a browser wrote.

    Raises
    ------
    HumanlikeError
        Something is not allowed, or the record belongs to another study.
    """
    if not isinstance(record, Mapping) or set(record) != {*ENVELOPE, *ANSWER}:
        raise HumanlikeError("not an answer of this experiment")
    envelope = {name: record[name] for name in ENVELOPE}
    if envelope["study"] != study.study:
        raise HumanlikeError(f"study: {_told(envelope['study'])} is another than {study.study}")
    for name in ("session", "withdrawal"):
        if not _matches(SECRET, envelope[name]):
            raise HumanlikeError(f"{name}: {_told(envelope[name])} is not a code")
    if envelope["observer"] != "" and not _matches(OBSERVER, envelope["observer"]):
        raise HumanlikeError(f"observer: {_told(envelope['observer'])} is not a code")
    for name, least, most in ("list", 0, len(study.lists) - 1), ("trial", 1, 10**6):
        value = envelope[name]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise HumanlikeError(f"{name}: {_told(value)} is not allowed; give {least} to {most}")
    return envelope


def _confidence(value: Any, levels: int) -> float | None:
    if not levels:
        if value is not None:
            raise HumanlikeError(f"confidence: {_told(value)} is not allowed; it was not asked")
        return None
    confidence = _number(value, "confidence", 0, 1)
    step = confidence * (levels - 1)
    if not math.isclose(step, round(step), abs_tol=1e-6):
        raise HumanlikeError(f"confidence: {_told(value)} is none of the {levels} levels")
    return confidence


def _clicks(clicks: Any, study: Study, rt: float) -> list[list[float]]:
    if not isinstance(clicks, list) or len(clicks) > study.clicks * (study.task == "uncover"):
        raise HumanlikeError("clicks: not a list, or more clicks than can be made")
    made: list[list[float]] = []
    for click in clicks:
        if not isinstance(click, list) or len(click) != 3:
            raise HumanlikeError(f"clicks: {_told(click)} is not x, y, t")
        x, y = (_number(value, "clicks", -0.5, study.side - 0.5) for value in click[:2])
        made.append([x, y, _number(click[2], "clicks", made[-1][2] if made else 0, rt)])
    return made


def _number(value: Any, name: str, low: float, high: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Compared before it is made a float, which an integer of a thousand digits cannot become.
    if not is_number or not low <= value <= high:
        raise HumanlikeError(f"{name}: {_told(value)} is not allowed; give {low:g} to {high:g}")
    return float(value)


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _told(value: Any) -> str:
    """A stranger's value in a message: short, and harmless in a terminal."""
    if isinstance(value, str):
        return ascii(value[:40])
    if value is None or isinstance(value, bool | float):
        return json.dumps(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "a number of many digits"
    return "a list" if isinstance(value, list) else "an object"

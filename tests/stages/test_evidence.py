import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from humanlike import artifacts
from humanlike.canonical.geometry import LANDMARKS
from humanlike.errors import HumanlikeError
from humanlike.stages import evidence

PARAMS = Path(__file__).parents[2] / "params.yaml"
POINTS = (LANDMARKS * 0.4 + (11, 1)).astype(np.float32)


@pytest.fixture
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Six persons with two pictures of two expressions; fear has a bright mouth."""
    monkeypatch.chdir(tmp_path)
    text = PARAMS.read_text()
    named = "expressions: [anger, disgust, fear, happiness, sadness, surprise]"
    assert named in text
    Path("params.yaml").write_text(text.replace(named, "expressions: [anger, disgust, fear]"))
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        [("lab", f"lab/{s}", e) for s in range(6) for e in ("anger", "fear") for _ in range(2)],
        columns=["dataset", "subject", "expression"],
    )
    images = (120 + 8 * rng.standard_normal((24, 112, 112))).astype(np.uint8)
    images[table["expression"] == "fear", 74:84, 46:66] += 50
    artifacts.FACES.mkdir(parents=True)
    np.save(artifacts.FACES / "images.npy", images)
    np.save(artifacts.FACES / "landmarks.npy", np.stack([POINTS] * 24))
    artifacts.write_table(artifacts.FACES / "faces.csv", table)
    return table


def test_the_same_params_give_the_same_bytes(faces: pd.DataFrame) -> None:
    evidence.run()
    first = artifacts.EVIDENCE.read_bytes()
    evidence.run()
    assert artifacts.EVIDENCE.read_bytes() == first
    assert (artifacts.PLOTS / "evidence.png").stat().st_size > 1000


def test_the_bytes_do_not_depend_on_the_order_of_hashes(faces: pd.DataFrame) -> None:
    made = set()
    for seed in ("1", "2", "3", "4"):
        code = "from humanlike.stages import evidence; evidence.run()"
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": str(PARAMS.parent / "src"),
        }
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        made.add(artifacts.EVIDENCE.read_bytes())
    assert len(made) == 1


def test_what_nobody_shows_is_unknown(faces: pd.DataFrame) -> None:
    evidence.run()
    found = artifacts.read_arrays(artifacts.EVIDENCE)
    assert list(found["expressions"]) == ["anger", "disgust", "fear"]
    assert list(found["persons"]) == [6, 0, 6]
    assert np.isnan(found["effect"][1]).all() and np.isnan(found["reliability"][1])
    written = json.loads((artifacts.METRICS / "evidence.json").read_text())
    assert written["persons"] == 6 and not written["pooled"]
    assert 0 < written["reliability"] <= 1


def test_people_who_are_seen_once_are_pooled(faces: pd.DataFrame) -> None:
    faces["subject"] = [f"lab/{i}" for i in range(len(faces))]
    artifacts.write_table(artifacts.FACES / "faces.csv", faces)
    evidence.run()
    written = json.loads((artifacts.METRICS / "evidence.json").read_text())
    assert written["pooled"] and written["persons"] == 2


def test_two_sets_do_not_mix(faces: pd.DataFrame) -> None:
    other = faces.assign(dataset="street", subject=[f"street/{i}" for i in range(len(faces))])
    numbers, pooled = evidence.grouped(pd.concat([faces, other], ignore_index=True), seed=0)
    assert pooled
    assert len(set(numbers)) == 6 + 2
    assert not set(numbers[:24]) & set(numbers[24:])


def test_neutral_faces_are_asked_for_where_there_are_none(faces: pd.DataFrame) -> None:
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("against: others ", "against: neutral "))
    with pytest.raises(HumanlikeError, match="name neutral in `expressions`"):
        evidence.run()


def test_one_expression_alone_has_no_evidence_and_a_picture_that_says_so(
    faces: pd.DataFrame,
) -> None:
    artifacts.write_table(artifacts.FACES / "faces.csv", faces.assign(expression="fear"))
    evidence.run()
    with np.load(artifacts.EVIDENCE) as kept:
        assert np.isnan(kept["effect"]).all()
    assert json.loads((artifacts.METRICS / "evidence.json").read_text())["reliability"] is None
    assert (artifacts.PLOTS / "evidence.png").stat().st_size > 1000

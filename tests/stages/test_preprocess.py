import io
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from humanlike import artifacts
from humanlike.commands.datasets import check
from humanlike.commands.synthesize import synthesize
from humanlike.errors import HumanlikeError
from humanlike.faces.detect import detector
from humanlike.faces.extract import find_face
from humanlike.stages import preprocess

PARAMS = (Path(__file__).parents[2] / "params.yaml").read_text()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the shipped params, two folds, and two drawn subjects."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS.replace("folds: 5 ", "folds: 2 "))
    synthesize(artifacts.DATA / "drawn", subjects=2, images=1, progress=False)
    return tmp_path


def change(old: str, new: str) -> None:
    text = Path("params.yaml").read_text()
    assert old in text
    Path("params.yaml").write_text(text.replace(old, new))


def test_every_photograph_is_a_face_or_has_a_reason(project: Path) -> None:
    images = artifacts.DATA / "drawn" / "images"
    names = sorted(path.name for path in images.iterdir() if "neutral" not in path.name)
    gray = np.full((300, 300), 127, np.uint8)
    cv2.imwrite(str(images / names[0]), gray)
    (images / names[1]).write_bytes(b"")
    face = cv2.imread(str(images / names[3]), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(images / names[2]), np.hstack([face, face]))

    preprocess.run()

    faces = artifacts.read_table(artifacts.FACES / "faces.csv")
    rejected = artifacts.read_table(artifacts.PLOTS / "rejected.csv")
    assert list(rejected["source"]) == [f"drawn/images/{name}" for name in names[:3]]
    assert list(rejected["reason"]) == [
        "no face",
        "file is empty",
        "2 faces (preprocess.faces: largest takes the largest)",
    ]
    assert len(faces) == len(names) - 3
    assert list(faces["face"]) == list(range(len(faces)))
    assert list(faces.columns) == [
        "face",
        "dataset",
        "subject",
        "expression",
        "fold",
        "source",
        "detector",
    ]
    pictures = artifacts.read_array(artifacts.FACES / "images.npy")
    whole = io.BytesIO()
    np.save(whole, pictures)
    assert (artifacts.FACES / "images.npy").read_bytes() == whole.getvalue()
    landmarks = artifacts.read_array(artifacts.FACES / "landmarks.npy")
    assert pictures.shape == (len(faces), 224, 224) and pictures.dtype == np.uint8
    assert landmarks.shape == (len(faces), 68, 2) and landmarks.dtype == np.float32
    # Left of the eyes is left of the mouth's right corner, on a face that stands upright.
    assert (landmarks[:, 36, 0] < landmarks[:, 54, 0]).all()
    metrics = json.loads((artifacts.METRICS / "preprocess.json").read_text())
    assert metrics["faces"] == len(faces)
    assert metrics["left_out"] == {"2 faces": 1, "file is empty": 1, "no face": 1}
    assert metrics["of_other_expressions"] == 2
    assert metrics["overhanging"] == 0
    assert metrics["without_subjects"] == []
    assert set(faces["detector"]) == {"hog"}


def test_faces_that_are_several_small_or_cut_are_told(project: Path) -> None:
    change("faces: one ", "faces: largest ")
    images = artifacts.DATA / "drawn" / "images"
    several, small, cut = sorted(p for p in images.iterdir() if "neutral" not in p.name)[:3]
    face = cv2.imread(str(several), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(several), np.hstack([face, cv2.resize(face, (256, 256))]))
    face = cv2.imread(str(small), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(small), cv2.resize(face, (64, 64), interpolation=cv2.INTER_AREA))
    face = cv2.imread(str(cut), cv2.IMREAD_GRAYSCALE)
    _, landmarks = find_face(face, detector("hog"))
    cv2.imwrite(str(cut), face[: round(landmarks[8, 1]) - 8])

    preprocess.run()

    faces = artifacts.read_table(artifacts.FACES / "faces.csv").set_index("source")
    assert len(faces) == 12
    assert faces.loc[f"drawn/images/{several.name}", "detector"] == "hog"
    assert faces.loc[f"drawn/images/{small.name}", "detector"] == "hog enlarged"
    metrics = json.loads((artifacts.METRICS / "preprocess.json").read_text())
    assert metrics["overhanging"] == 1
    assert metrics["left_out"] == {}


def test_contradictions_in_labels_leave_out_their_pictures_alone(project: Path) -> None:
    table = artifacts.DATA / "drawn" / "labels.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines, lines[1] + "?", lines[2] + "?"]))
    preprocess.run()
    rejected = artifacts.read_table(artifacts.PLOTS / "rejected.csv")
    assert list(rejected["reason"]) == [
        f"labels.csv gives it two labels (lines {line} and {line + len(lines) - 1})"
        for line in (2, 3)
    ]
    metrics = json.loads((artifacts.METRICS / "preprocess.json").read_text())
    assert metrics["left_out"] == {"labels.csv gives it two labels": 2}


def test_no_subject_is_in_two_folds(project: Path) -> None:
    preprocess.run()
    faces = artifacts.read_table(artifacts.FACES / "faces.csv")
    assert faces.groupby("subject")["fold"].nunique().eq(1).all()
    assert set(faces["fold"]) == {0, 1}


def test_a_run_twice_gives_the_same_bytes(project: Path) -> None:
    preprocess.run()
    first = {path.name: path.read_bytes() for path in artifacts.FACES.iterdir()}
    preprocess.run()
    assert {path.name: path.read_bytes() for path in artifacts.FACES.iterdir()} == first


def test_no_face_at_all_ends_in_one_line(project: Path) -> None:
    for path in (artifacts.DATA / "drawn" / "images").iterdir():
        path.write_bytes(b"not an image")
    with pytest.raises(HumanlikeError, match="no face found in any of 12 photographs"):
        preprocess.run()
    assert not (artifacts.FACES / "images.npy").exists()


def test_no_photograph_of_the_expressions_ends_in_one_line(project: Path) -> None:
    Path("params.yaml").write_text(
        Path("params.yaml")
        .read_text()
        .replace("[anger, disgust, fear, happiness, sadness, surprise]", "[neutral, contempt]")
    )
    for path in (artifacts.DATA / "drawn" / "images").glob("*neutral*"):
        path.unlink()
    with pytest.raises(HumanlikeError, match="datasets check"):
        preprocess.run()


def test_one_expression_alone_ends_in_one_line(project: Path) -> None:
    named = "[anger, disgust, fear, happiness, sadness, surprise]"
    change(named, "[fear, contempt]")
    with pytest.raises(HumanlikeError, match=r"only fear is there.* happiness, neutral, sad"):
        preprocess.run()
    for path in (artifacts.DATA / "drawn" / "images").iterdir():
        if "fear" not in path.name:
            path.unlink()
    with pytest.raises(HumanlikeError, match="apart; add photographs of others"):
        preprocess.run()


def test_what_the_params_leave_out_is_told_beforehand(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(artifacts.DATA)
    assert capsys.readouterr().out.endswith("does not name them: 2 of neutral\n")
    change("sadness, surprise]", "sadness, surprise, neutral]")
    check(artifacts.DATA)
    assert "does not name" not in capsys.readouterr().out


def test_a_data_set_in_place_of_the_folder_above_it_is_told(project: Path, capsys) -> None:
    check(artifacts.DATA)
    assert "is a data set itself" not in capsys.readouterr().out
    check(artifacts.DATA / "drawn")
    assert "data/drawn is a data set itself (form labelled, photographs: 14)" in (
        capsys.readouterr().out
    )


def test_a_subject_in_two_sets_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preprocess.run()
    assert capsys.readouterr().err.count("may be one person") == 0
    shutil.copytree(artifacts.DATA / "drawn", artifacts.DATA / "again")
    preprocess.run()
    assert "2 pairs of subjects may be one person each" in capsys.readouterr().err
    metrics = json.loads((artifacts.METRICS / "preprocess.json").read_text())
    assert metrics["subjects_that_look_shared"] == 2


def test_a_disk_without_room_for_the_faces_ends_in_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(HumanlikeError, match=r"images\.npy: cannot be written \(No space left"):
        preprocess.run()
    assert list(artifacts.FACES.iterdir()) == []

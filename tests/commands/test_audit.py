"""What is found out about somebody else's network, what is asked for, and the whole way."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from project import ROOT, Project, change_params
from ruamel.yaml import YAML

from humanlike import cli
from humanlike.commands.audit import (
    Asked,
    Faces,
    check_output,
    find_faces,
    plain,
    read_photographs,
    settle,
)
from humanlike.errors import HumanlikeError
from humanlike.networks.conventions import known_orders, scaling_of
from humanlike.params import load

MODEL = ROOT / "tests/networks/data/pytorch.onnx"
FER2013 = known_orders(7)["FER2013"]


class Stripes:
    """A network that is sure of class k where row k of a face is white, its input being 0..1."""

    size, channels, outputs, scales_itself, name = 7, 1, 7, False, "stripes"

    def predict(self, images: np.ndarray, scaling: str) -> np.ndarray:
        scale, offset = scaling_of(scaling, 1)
        rows = (images * scale + offset).mean(axis=2)
        sure = 8 * np.exp(-8 * (rows - 1) ** 2) + 1e-3 * np.arange(7)
        # Another black makes it another class.
        return np.flip(sure, axis=1) if rows.min() < -0.5 else sure


def striped(order: tuple[str, ...], labels: list[str | float]) -> Faces:
    images = np.zeros((len(labels), 7, 7), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[order.index(label) if isinstance(label, str) else 0] = 255
    table = pd.DataFrame({"expression": pd.Series(labels, dtype=object)})
    return Faces(images, np.zeros((len(labels), 68, 2), np.float32), table)


@pytest.mark.parametrize("name", ["FER2013", "AffectNet", "KDEF"])
def test_scaling_and_classes_are_found(name: str, capsys) -> None:
    order = known_orders(7)[name]
    classes, scaling, doubts = settle(Stripes(), striped(order, [*FER2013] * 9), None, Asked())
    assert (classes, scaling, doubts) == (order, "0..1", {})
    said = capsys.readouterr().out
    assert "Accuracy on 63 faces" in said and f"Taken: --input {scaling}" in said


def test_what_labels_leave_open_is_asked_for_in_one_line() -> None:
    faces = striped(FER2013, ["happiness", "neutral"] * 30)
    with pytest.raises(HumanlikeError, match="add --classes, perhaps one of FER2013") as caught:
        settle(Stripes(), faces, None, Asked())
    assert "RAF-DB: surprise,fear" in str(caught.value) and "--input" not in str(caught.value)
    assert settle(Stripes(), faces, FER2013, Asked("…"))[:2] == (FER2013, "0..1")


def test_one_label_alone_tells_nothing_but_the_file_may(capsys) -> None:
    faces = striped(FER2013, ["happiness"] * 30)
    with pytest.raises(HumanlikeError, match="happiness, and one alone tells nothing"):
        settle(Stripes(), faces, None, Asked())

    class Ours(Stripes):
        """A file of one of the twelve networks, which scales by itself."""

        outputs, scales_itself, name = 6, True, "weinet"

        def predict(self, images: np.ndarray, scaling: str) -> np.ndarray:
            return super().predict(images / 255, "0..255" if scaling == "0..255" else "0..1")[:, :6]

    six = known_orders(6)["FER2013"]
    assert settle(Ours(), striped(six, ["happiness"] * 30), None, Asked()) == (six, "0..255", {})
    said = capsys.readouterr().out
    assert "These labels cannot tell; the file does:\nTaken: --input 0..255" in said


def test_a_wrong_scaling_is_detected(capsys) -> None:
    faces = striped(FER2013, [*FER2013] * 9)
    _, scaling, doubts = settle(Stripes(), faces, FER2013, Asked("…", "0..255"))
    assert scaling == "0..255"
    assert "With --input 0..1 1.000 of the faces are right" in doubts["doubt"]
    assert "probably wrong" in capsys.readouterr().out
    assert settle(Stripes(), faces, FER2013, Asked("…", "0..1"))[2] == {}


def test_wrong_classes_are_detected() -> None:
    faces = striped(FER2013, [*FER2013] * 9)
    given = known_orders(7)["alphabetical"]
    _, _, doubts = settle(Stripes(), faces, given, Asked("…", "0..1"))
    assert f"--classes {','.join(FER2013)}" in doubts["doubt"]


def test_a_network_that_always_says_the_same_casts_no_doubt_on_what_was_asked_for() -> None:
    class Constant(Stripes):
        def predict(self, images: np.ndarray, scaling: str) -> np.ndarray:
            return np.tile(np.arange(7) == FER2013.index("anger"), (len(images), 1)).astype(float)

    faces = striped(FER2013, ["happiness", "neutral"] * 30)
    assert settle(Constant(), faces, FER2013, Asked("…", "0..1"))[2] == {}


def test_without_labels_it_is_asked_for_or_assumed_aloud(capsys) -> None:
    faces = striped(FER2013, [np.nan] * 5)
    with pytest.raises(HumanlikeError, match="add --classes and --input, or --labels"):
        settle(Stripes(), faces, None, Asked())
    assert "each output is the greatest" in capsys.readouterr().out
    with pytest.raises(HumanlikeError, match="add --input, or"):
        settle(Stripes(), faces, FER2013, Asked("…"))

    class Scaling(Stripes):
        scales_itself = True

    _, scaling, doubts = settle(Scaling(), faces, FER2013, Asked("…"))
    assert scaling == "0..255" and "No label tells" in doubts["assumed"]


def test_so_many_outputs_have_no_customary_classes() -> None:
    class Many(Stripes):
        outputs = 10

    with pytest.raises(HumanlikeError, match="10 outputs have no customary classes"):
        settle(Many(), striped(FER2013, ["fear"]), None, Asked())


def test_names_of_files_become_names_of_folders(tmp_path: Path) -> None:
    assert plain(Path("x/fer2013_mini_XCEPTION.102-0.66.hdf5")) == "fer2013_mini_XCEPTION_102-0_66"
    assert plain(tmp_path / "saved/saved_model.pb") == "saved"
    assert plain(Path("жжж.onnx")) == "network"


def test_only_a_folder_of_ours_is_written_to(tmp_path: Path) -> None:
    check_output(tmp_path / "new")
    check_output(tmp_path)
    (tmp_path / "params.yaml").touch()
    with pytest.raises(HumanlikeError, match="holds other files"):
        check_output(tmp_path)
    (tmp_path / "audit.json").touch()
    check_output(tmp_path)
    with pytest.raises(HumanlikeError, match="is a file"):
        check_output(tmp_path / "params.yaml")


def photographs(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_photographs_in_folders_in_sets_by_a_table_and_without_labels(tmp_path: Path) -> None:
    one = photographs(tmp_path / "one", "happy/a.jpg", "sad/a.jpg", "notes.txt")
    found, _ = read_photographs(one, None)
    assert list(found["expression"]) == ["happiness", "sadness"]
    assert list(found["path"]) == [one / "happy/a.jpg", one / "sad/a.jpg"]

    sets = photographs(tmp_path / "sets", "x/happy/a.jpg", "y/sad/b.jpg", "z/KA.AN1.39.tiff")
    found, _ = read_photographs(sets, None)
    assert list(found["dataset"]) == ["x", "y", "z"]
    assert list(found["path"])[2] == sets / "z/KA.AN1.39.tiff"

    flat = photographs(tmp_path / "flat", "a.jpg", "b.jpg", "notes.txt")
    found, _ = read_photographs(flat, None)
    assert found["expression"].isna().all() and len(found) == 2
    table = tmp_path / "labels.csv"
    table.write_text("file,subject,expression\nb.jpg,s1,Fearful\n")
    found, left_out = read_photographs(flat, table)
    assert list(found["expression"]) == ["fear"] and list(found["path"]) == [flat / "b.jpg"]
    assert list(left_out["reason"]) == ["not in labels.csv"]


def test_given_names_are_not_written(tmp_path: Path) -> None:
    folder = photographs(tmp_path / "faces", "12_F_23_Magdalena_Allegria_1.png")
    for table in (read_photographs(folder, None)[0],):
        assert "Magdalena" not in table[["subject", "source"]].to_string()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["nothing.onnx"], "nothing.onnx: cannot be read"),
        ([str(MODEL), "--input", "0..2"], "0..2 is none of 0..1"),
        ([str(MODEL), "--classes", "a,b"], "'a' is no expression"),
        ([str(MODEL), "--images", "nowhere"], "nowhere is not a folder"),
        ([str(MODEL), "--output", "."], "holds other files"),
        ([str(MODEL), "--labels", "none.csv"], "none.csv cannot be read"),
        ([str(MODEL)], "no face found in any of 1 photographs; the first: faces/happy/a.jpg"),
    ],
)
def test_bad_input_ends_in_one_line(options, said, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    photographs(tmp_path / "faces", "happy/a.jpg")
    defaults = ["--images", "faces", "--output", "out"]
    monkeypatch.setattr(sys, "argv", ["humanlike", "audit", *defaults, *options])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("humanlike: ") and said in line


NETWORK = (
    "--input",
    "imagenet",
    "--classes",
    "Angry,contempt,disgusted,scared,joy,neutral,sad,surprised",
)


@pytest.fixture
def humanlike(tmp_path: Path) -> Callable[..., str]:
    """Runs a command as a user does, where there are params.yaml and drawn faces."""
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    change_params(Project(tmp_path), {"lime.samples": "32"})

    def run(*words: str, folder: Path = tmp_path) -> str:
        return Project(folder).run("humanlike", *words)

    run("synthesize", "drawn", "--subjects", "6", "--images", "1", "--seed", "5")
    return run


@pytest.mark.slow
def test_photographs_without_labels_are_explained_and_scored(
    tmp_path: Path, humanlike: Callable[..., str]
) -> None:
    (tmp_path / "unknown").mkdir()
    for number, path in enumerate(sorted((tmp_path / "drawn/images").iterdir())[:2]):
        path.rename(tmp_path / "unknown" / f"{number}.png")
    said = humanlike("audit", str(MODEL), "--images", "unknown", "--output", "out", *NETWORK)
    assert "No label tells whether this is right" in said and "NaN" not in said
    assert "IoU with the expression's own mask" in said
    page = (tmp_path / "out/plots/report.html").read_text()
    assert "No photograph has a label" in page and "without a label, taken for" in page
    assert json.loads((tmp_path / "out/metrics/train.json").read_text()) == {"accuracy": None}


@pytest.mark.slow
def test_the_whole_way(tmp_path: Path, humanlike: Callable[..., str]) -> None:
    """A network from PyTorch on drawn faces; then again, and by hand in the folder it wrote."""
    audit = (
        *("audit", str(MODEL), "--images", "drawn", "--output", "out", "--faces-per-class", "2"),
        *NETWORK,
    )
    said = humanlike(*audit)
    assert "Accuracy on 42 faces" in said and "probably wrong" not in said
    assert "IoU with the expression's own mask" in said
    out = tmp_path / "out"
    accuracy = json.loads((out / "metrics/train.json").read_text())["accuracy"]
    assert accuracy > 0.7
    faces = pd.read_csv(out / "artifacts/faces/faces.csv")
    assert set(faces["fold"]) == {0} and set(faces["expression"]) == set(FER2013)
    scores = (out / "metrics/score.json").read_bytes()
    assert json.loads(scores)["ceiling"] > 0.2
    assert (out / "plots/heatmaps/heatmaps.png").stat().st_size > 1000
    entry = YAML(typ="safe").load(out / "params.yaml")["train"]["optimisation"]["pytorch"]
    assert (out / entry["file"]).resolve() == MODEL.resolve()
    assert load(out / "params.yaml").labels[:2] == ["anger", "disgust"]

    humanlike("paper", "--output", "paper", folder=out)
    assert "pytorch came from a file" in (out / "paper/methods.txt").read_text()

    humanlike("score", folder=out)
    assert (out / "metrics/score.json").read_bytes() == scores
    humanlike(*audit)
    assert (out / "metrics/score.json").read_bytes() == scores


def test_faces_are_those_of_the_pipeline(shared: Path) -> None:
    settings = load(ROOT / "params.yaml").preprocess
    folder = shared / "photos/london"
    found, left_out = find_faces(folder, None, settings)
    assert len(found.images) + len(left_out) == 60 and len(found.images) >= 50
    assert set(found.table["expression"]) == {"happiness", "neutral"}
    assert found.images.shape[1:] == (settings.size, settings.size)

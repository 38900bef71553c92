from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from humanlike import artifacts
from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH
from humanlike.errors import HumanlikeError
from humanlike.stages import standardize

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of four faces, each in two superpixels."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    faces, explained, size = 4, np.array([3, 1]), 32
    artifacts.FACES.mkdir(parents=True)
    landmarks = LANDMARKS * (size - 1) / (WIDTH, HEIGHT)
    np.save(artifacts.FACES / "landmarks.npy", np.stack([landmarks] * faces).astype(np.float32))
    np.save(artifacts.FACES / "images.npy", np.zeros((faces, size, size), np.uint8))
    people = pd.DataFrame({"face": range(faces), "subject": ["a/007", "a/8", "b/007", "NA"]})
    artifacts.write_table(artifacts.FACES / "faces.csv", people)
    artifacts.write_arrays(
        artifacts.unit("explanations", "weinet", 0, ".npz"),
        face=explained,
        predicted=np.array(["anger", "fear"]),
        segments=np.tile(np.arange(size, dtype=np.uint8) // 16, (2, size, 1)),
        weights=np.array([[1, 2], [3, 0]], np.float32),
        weights_again=np.zeros((0, 2), np.float32),
        checked=np.zeros(2, bool),
        **{name: np.zeros(2, np.float32) for name in ("r2", "n_superpixels", "curves")},
    )


def test_who_is_explained_goes_with_the_maps() -> None:
    standardize.run("weinet", 0)
    made = artifacts.read_arrays(artifacts.unit("standardized", "weinet", 0, ".npz"))
    assert made["subject"].tolist() == ["NA", "a/8"]
    assert made["maps"].shape == (2, HEIGHT, WIDTH)


def test_a_place_that_cannot_be_written_is_told_on_a_line_of_its_own(
    capsys: pytest.CaptureFixture,
) -> None:
    (artifacts.ARTIFACTS / "standardized").touch()
    with pytest.raises(HumanlikeError, match=r"fold0\.npz: cannot be written \(") as told:
        standardize.run("weinet", 0)
    said = capsys.readouterr().err
    assert said == "" or said.endswith("\n"), f"a progress bar is on the line of {told.value}"

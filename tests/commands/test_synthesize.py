"""The sample as files."""

import cv2
import numpy as np
import pandas as pd
import pytest

from humanlike.commands.synthesize import synthesize
from humanlike.errors import HumanlikeError
from humanlike.synthesis.sample import draw_sample


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    output = tmp_path_factory.mktemp("synthesis") / "sample"
    synthesize(output, subjects=1, images=1, seed=2, progress=False)
    return output


def test_every_image_has_a_row_in_each_table(folder):
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg"))
    assert len(files) == 7
    for table in ("labels", "action_units", "landmarks"):
        assert sorted(pd.read_csv(folder / f"{table}.csv")["file"]) == files


def test_the_tables_say_what_was_drawn(folder):
    labels = pd.read_csv(folder / "labels.csv")
    units = pd.read_csv(folder / "action_units.csv", index_col="file")
    landmarks = pd.read_csv(folder / "landmarks.csv", index_col="file")
    for row, sample in zip(labels.itertuples(), draw_sample(1, 1, seed=2), strict=True):
        assert (row.subject, row.expression) == (sample.subject, sample.expression)
        assert row.file == f"images/{sample.subject}_{sample.expression}_1.jpg"
        assert units.loc[row.file, "AU4"] == pytest.approx(sample.action_units[4], abs=5e-4)
        points = landmarks.loc[row.file].to_numpy().reshape(68, 2)
        np.testing.assert_allclose(points, sample.face.landmarks, atol=0.0051)
        image = cv2.imread(str(folder / row.file), cv2.IMREAD_UNCHANGED)
        assert image.shape == (256, 256)
        assert np.abs(image.astype(int) - sample.face.image).mean() < 4


def test_the_same_seed_writes_the_same_bytes(folder, tmp_path):
    synthesize(tmp_path / "again", subjects=1, images=1, seed=2, progress=False)
    for path in folder.rglob("*.*"):
        assert (tmp_path / "again" / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_the_truth_is_what_the_expression_changes(tmp_path):
    synthesize(tmp_path / "sample", subjects=1, images=1, seed=2, truth=True, progress=False)
    changed = {
        path.stem: cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        for path in (tmp_path / "sample" / "changed").glob("*.png")
    }
    assert len(changed) == 7
    assert not changed["s01_neutral_1"].any()
    points = pd.read_csv(tmp_path / "sample" / "landmarks.csv", index_col="file")
    smile = changed["s01_happiness_1"]
    assert set(np.unique(smile)) == {0, 255}
    for corner in (48, 54):
        x, y = points.loc["images/s01_happiness_1.jpg", [f"x{corner}", f"y{corner}"]]
        assert smile[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].mean() > 128
    assert not smile[:20].any(), "the hair above the forehead does not smile"


def test_a_full_folder_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(HumanlikeError, match="already there"):
        synthesize(tmp_path, subjects=1, images=1, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_nothing_is_left_of_a_sample_that_failed(tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("out of ink")

    monkeypatch.setattr("humanlike.commands.synthesize.draw_sample", broken)
    with pytest.raises(RuntimeError):
        synthesize(tmp_path / "sample", subjects=1, images=1, progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [{"subjects": 0}, {"images": 0}, {"seed": -1}, {"low": 0.9, "high": 0.1}, {"high": 1.5}],
)
def test_numbers_that_make_no_sense_are_refused(tmp_path, wrong):
    with pytest.raises(HumanlikeError, match=next(iter(wrong))):
        synthesize(tmp_path / "sample", progress=False, **wrong)

import re
from pathlib import Path

import numpy as np
import pytest

from humanlike import artifacts
from humanlike.alignment.evidence import face_region
from humanlike.canonical.geometry import HEIGHT, WIDTH
from humanlike.canonical.masks import ekman_mask
from humanlike.errors import HumanlikeError
from humanlike.params import load
from humanlike.stages import guidance, train

PARAMS = (Path(__file__).parents[2] / "params.yaml").read_text()


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ask(**values: str) -> None:
    """Write params.yaml with other values of `train.guidance`."""
    before, shipped, after = PARAMS.partition("  guidance:\n")
    for key, value in values.items():
        line = re.compile(rf"(?<=^    {key}: )\S+", re.MULTILINE)
        assert line.search(after), key
        after = line.sub(value, after, count=1)
    Path("params.yaml").write_text(before + shipped + after)


def test_off_it_writes_the_same_bytes_whatever_the_reference(tmp_path: Path) -> None:
    written = set()
    for reference in ("none", "ekman", "evidence", "not_there"):
        ask(reference=reference)
        guidance.run()
        written.add(artifacts.GUIDANCE.read_bytes())
    assert len(written) == 1
    images, points = np.zeros((2, 8, 8), np.uint8), np.zeros((2, 68, 2), np.float32)
    assert train.guidance(images, points, np.array([0, 1]), 8, "") is None


def test_each_expression_gets_its_own_region_or_permuted_the_next_ones() -> None:
    ask(reference="ekman", weight="0.5")
    params = load()
    own = guidance.regions(params)
    assert all((own[i] == ekman_mask(label)).all() for i, label in enumerate(params.labels))
    ask(reference="ekman", weight="0.5", permuted="true")
    others = guidance.regions(load())
    assert all((others[i] == own[(i + 1) % len(own)]).all() for i in range(len(own)))


def test_without_a_reference_the_whole_face_counts() -> None:
    ask(weight="0.5")
    assert all((region == face_region()).all() for region in guidance.regions(load()))


def test_expressions_without_a_map_get_the_whole_face() -> None:
    folder = artifacts.REFERENCES / "mine"
    mouth = np.zeros((HEIGHT, WIDTH), np.uint8)
    mouth[180:220, 70:150] = 255
    artifacts.write_picture(folder / "fear.png", mouth)
    ask(reference="mine", weight="0.5")
    params = load()
    for label, region in zip(params.labels, guidance.regions(params), strict=True):
        assert (region == (mouth > 0 if label == "fear" else face_region())).all()


def test_training_takes_what_the_stage_wrote() -> None:
    ask(reference="ekman", weight="0.25", hidden="blur")
    guidance.run()
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (2, 80, 80), dtype=np.uint8)
    points = rng.uniform(10, 70, (2, 68, 2)).astype(np.float32)
    found = train.guidance(images, points, np.array([0, 5]), 40, "train")
    assert found is not None
    assert (found.weight, found.hidden) == (0.25, "blur")
    assert found.segments.shape == (2, 40, 40)


def test_a_reference_that_is_not_there_ends_in_one_line() -> None:
    ask(reference="not_there", weight="0.5")
    with pytest.raises(HumanlikeError, match="references/not_there/ has no map"):
        guidance.run()


def test_a_map_without_a_region_ends_in_one_line() -> None:
    artifacts.write_picture(
        artifacts.REFERENCES / "mine" / "fear.png", np.full((HEIGHT, WIDTH), 9, np.uint8)
    )
    ask(reference="mine", weight="0.5")
    with pytest.raises(HumanlikeError, match="map of fear in mine is the same everywhere"):
        guidance.run()


def test_there_is_nothing_to_permute_without_a_reference() -> None:
    ask(permuted="true")
    with pytest.raises(HumanlikeError, match=r"train\.guidance: permuted: true needs a reference"):
        load()

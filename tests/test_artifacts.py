from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from humanlike import artifacts
from humanlike.errors import HumanlikeError


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), artifacts.whole(path) as temporary:
        temporary.write_text("half of the new")
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_text() == "old"


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(HumanlikeError, match=r"nothing that was finished is lost"),
        artifacts.whole(tmp_path / "array.npy"),
    ):
        raise OSError(28, "No space left on device")


def test_a_file_in_the_place_of_the_folder_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "artifacts").touch()
    with pytest.raises(HumanlikeError, match=r"artifacts/faces/faces\.csv: cannot be written \("):
        artifacts.write_bytes(tmp_path / "artifacts/faces/faces.csv", b"")


def test_equal_arrays_give_equal_bytes(tmp_path: Path) -> None:
    arrays = {"a": np.arange(1000.0), "b": np.array(["x", "yz"])}
    artifacts.write_arrays(tmp_path / "one.npz", **arrays)
    artifacts.write_arrays(tmp_path / "two.npz", **arrays)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    read = artifacts.read_arrays(tmp_path / "one.npz")
    np.testing.assert_array_equal(read["a"], arrays["a"])
    np.testing.assert_array_equal(read["b"], arrays["b"])


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "evil.npz", a=np.array([{"any": "object"}], dtype=object))
    with pytest.raises(HumanlikeError, match=r"evil\.npz: damaged"):
        artifacts.read_arrays(tmp_path / "evil.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"not at all"])
def test_a_damaged_archive_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(HumanlikeError, match=r"a\.npz: damaged .* `dvc repro`"):
        artifacts.read_arrays(tmp_path / "a.npz")


def test_a_damaged_text_is_named(tmp_path: Path) -> None:
    for name, read in (("a.txt", artifacts.read_text), ("a.json", artifacts.read_json)):
        (tmp_path / name).write_bytes(b'"caf\xe9"')
        with pytest.raises(HumanlikeError, match=rf"{name}: damaged .* `dvc repro`"):
            read(tmp_path / name)


def test_a_table_that_breaks_off_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    artifacts.write_table(path, pd.DataFrame({"face": [0, 1], "source": ["a", "b"]}))
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        if whole[:cut].endswith(b"\n"):
            continue  # fewer rows, as nobody can tell
        with pytest.raises(HumanlikeError, match=r"t\.csv: damaged .* `dvc repro`"):
            artifacts.read_table(path)


def test_missing_inputs_say_what_makes_them(tmp_path: Path) -> None:
    for read in (artifacts.read_array, artifacts.read_arrays, artifacts.read_table):
        with pytest.raises(HumanlikeError, match="no such file; `dvc repro` makes it"):
            read(tmp_path / "missing.npy")


def test_tables_keep_odd_names_and_numbers_as_text(tmp_path: Path) -> None:
    names = ['a "quoted", b', "line\nbreak", "carriage\rreturn", "<script>", "Ünïcode", "NA", "007"]
    table = pd.DataFrame({"face": range(len(names)), "source": names})
    artifacts.write_table(tmp_path / "t.csv", table)
    read = artifacts.read_table(tmp_path / "t.csv")
    assert list(read["source"]) == names
    assert read["face"].dtype == np.int64

import tracemalloc
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


def test_rows_end_in_the_bytes_of_the_whole_array(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).random((50, 7, 5)).astype(np.float32)
    with artifacts.Rows(tmp_path / "rows.npz", (7, 5), np.float32) as rows:
        for one in maps:
            rows.append(one.astype(float))
        artifacts.write_arrays(tmp_path / "rows.npz", face=np.arange(50), maps=rows)
    np.savez_compressed(tmp_path / "whole.npz", face=np.arange(50), maps=maps)
    assert (tmp_path / "rows.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()
    np.testing.assert_array_equal(
        list(artifacts.read_rows(tmp_path / "rows.npz", "maps")), maps, strict=True
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rows.npz", "whole.npz"]


def test_no_rows_are_an_empty_array(tmp_path: Path) -> None:
    path = tmp_path / "a" / "rows.npz"
    with artifacts.Rows(path, (7, 5), np.uint8) as rows:
        artifacts.write_arrays(path, maps=rows)
    assert artifacts.read_arrays(path)["maps"].shape == (0, 7, 5)
    assert list(artifacts.read_rows(path, "maps")) == []


def test_rows_of_another_shape_are_refused(tmp_path: Path) -> None:
    with artifacts.Rows(tmp_path / "rows.npz", (7, 5), np.uint8) as rows:
        for wrong in (np.zeros((7, 4)), np.uint8(1)):
            with pytest.raises(ValueError, match="reshape"):
                rows.append(wrong)


def test_rows_that_the_disk_has_no_room_for_are_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        artifacts.tempfile,
        "TemporaryFile",
        lambda dir: Path("/dev/full").open("r+b"),  # noqa: SIM115
    )
    with (
        pytest.raises(HumanlikeError, match=r"rows\.npz: cannot be written \(No space left"),
        artifacts.Rows(tmp_path / "rows.npz", (100, 1000), np.uint8) as rows,
    ):
        rows.append(np.zeros((100, 1000)))
    with artifacts.Rows(tmp_path / "rows.npz", (7, 5), np.uint8) as rows:
        rows.append(np.zeros((7, 5)))
        with pytest.raises(HumanlikeError, match=r"rows\.npz: cannot be written \(No space left"):
            artifacts.write_arrays(tmp_path / "rows.npz", maps=rows)
    assert not list(tmp_path.iterdir())


def test_memory_holds_no_more_for_more_rows(tmp_path: Path) -> None:
    row = np.zeros((100, 100), np.float32)

    def peak(count: int) -> int:
        path = tmp_path / f"{count}.npz"
        tracemalloc.start()
        with artifacts.Rows(path, row.shape, np.float32) as rows:
            for _ in range(count):
                rows.append(row)
            artifacts.write_arrays(path, maps=rows)
        assert sum(1 for _ in artifacts.read_rows(path, "maps")) == count
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(300) - peak(30) < row.nbytes


@pytest.mark.parametrize("place", [0.3, 0.5, 0.7, 0.9])
def test_rows_that_are_not_what_was_written_are_named(tmp_path: Path, place: float) -> None:
    path = tmp_path / "rows.npz"
    artifacts.write_arrays(path, maps=np.random.default_rng(0).random((20, 30, 30)))
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(HumanlikeError, match=r"rows\.npz: damaged .* `dvc repro`"):
        list(artifacts.read_rows(path, "maps"))
    with pytest.raises(HumanlikeError, match=r"rows\.npz: damaged .* `dvc repro`"):
        artifacts.read_arrays(path)


def test_an_array_that_is_not_there_is_named(tmp_path: Path) -> None:
    artifacts.write_arrays(tmp_path / "a.npz", faces=np.arange(3))
    with pytest.raises(HumanlikeError, match=r"a\.npz: damaged .*maps"):
        next(artifacts.read_rows(tmp_path / "a.npz", "maps"))


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

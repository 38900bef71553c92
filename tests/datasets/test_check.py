import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from builders import Draw, ckplus, fer2013, jaffe, save

from humanlike import datasets
from humanlike.datasets.check import Report, render, report


def check(folder: Path) -> Report:
    return report(folder, datasets.read(folder))


def test_counts(tmp_path: Path, draw: Draw) -> None:
    ckplus(tmp_path / "CK+", draw, subjects=3)
    jaffe(tmp_path / "jaffe", draw, subjects=2)
    save(tmp_path / "jaffe/holiday.png", np.zeros((4, 4), np.uint8))
    found = check(tmp_path)
    sets = found.sets.set_index("dataset")
    assert list(sets["form"]) == ["ckplus", "jaffe"]
    assert list(sets["subjects"]) == [3, 2]
    assert list(sets["images"]) == [3 * 6 * 4, 14]
    assert list(sets["anger"]) == [3 * 3, 2]
    assert list(sets["neutral"]) == [3 * 6, 2]
    assert list(sets["skipped"]) == [3 * 8, 1]
    skipped = found.skipped.set_index("reason")
    assert skipped.loc["sequence has no label", ["images", "sequences"]].tolist() == [3 * 8, 3]
    assert found.duplicates.empty
    assert found.shared.empty
    text = render(found)
    assert "sequence has no label" in text
    assert "same content" not in text


def test_copies_and_shared_subjects(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("one/anger/anna_1", "one/anger/ben_1", "two/fear/Anna_1", "two/fear/carl_1"):
        save(tmp_path / f"{name}.png", rng.integers(0, 255, (4, 4), dtype=np.uint8))
    shutil.copy(tmp_path / "one/anger/ben_1.png", tmp_path / "two/fear/dora_1.png")
    found = check(tmp_path)
    assert list(found.duplicates["source"]) == ["one/anger/ben_1.png", "two/fear/dora_1.png"]
    assert found.duplicates["content"].nunique() == 1
    pairs = {tuple(row) for row in found.shared.itertuples(index=False)}
    assert pairs == {
        ("one/anna", "two/Anna", "same name in two data sets"),
        ("one/ben", "two/dora", "an image in common"),
    }
    assert "ben_1.png" in render(found)


def test_sets_without_subjects(tmp_path: Path, draw: Draw) -> None:
    """Their pictures share no subject by name, and copies within one table are found."""
    for name in ("first", "second"):
        fer2013(tmp_path / name, draw)
    table = tmp_path / "first/fer2013.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines, lines[3]]) + "\n")
    found = check(tmp_path)
    assert list(found.sets["subjects"]) == ["unnamed", "unnamed"]
    assert list(found.duplicates["source"]) == ["first/fer0000002.png", "first/fer0000014.png"]
    assert found.shared["reason"].item() == "an image in common"
    assert "unnamed" in render(found)


def test_empty_and_hostile(tmp_path: Path) -> None:
    assert render(check(tmp_path)) == "Data sets\nnone"
    save(tmp_path / "s/no\nsuch \x1b[31mred/x.png", np.zeros((4, 4), np.uint8))
    save(tmp_path / "s\x1b[2J/anger/x.png", np.zeros((4, 4), np.uint8))
    found = check(tmp_path)
    assert "\x1b" not in render(found)
    assert isinstance(found.skipped, pd.DataFrame)


def test_long_tables_are_cut(tmp_path: Path) -> None:
    for number in range(40):
        save(tmp_path / f"set/anger/p{number:02}_1.png", np.zeros((4, 4), np.uint8))
    text = render(check(tmp_path))
    assert "p29_1.png" in text
    assert "p30_1.png" not in text
    assert "… and 10 more" in text

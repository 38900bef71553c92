"""Every data set through `read`, from trees with its true names."""

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import (
    BUILDERS,
    CKPLUS_NUMBERS,
    FEGA_NAMES,
    Draw,
    Truth,
    affectnet_older,
    bu4dfe,
    ckplus,
    fega,
    fer2013,
    jaffe,
    rafdb,
    save,
    wsefep,
)
from numpy.typing import NDArray

from humanlike import datasets
from humanlike.datasets.table import UNUSED_COPY, UNUSED_FRAME, is_image
from humanlike.errors import HumanlikeError
from humanlike.faces.images import Rejected, read_gray_values

GRAY = np.full((4, 4), 128, np.uint8)


def pickled() -> bytes:
    """An array that only an unsafe reader would read."""
    stream = io.BytesIO()
    np.save(stream, np.array([{"expression": 6}], dtype=object))
    return stream.getvalue()


def assert_is_truth(table: pd.DataFrame, name: str, truth: Truth) -> None:
    """Files and expressions are equal, and subjects are the same partition of the files."""
    expected = pd.DataFrame(truth, columns=["file", "who", "expression"])
    # A picture of a table of many has a name of its own.
    files = table["file"].where(table["offset"].isna(), table["source"])
    found = table[["subject", "expression"]].assign(file=files.str.removeprefix(f"{name}/"))
    both = found.merge(expected, on="file", how="outer", indicator=True)
    assert (both["_merge"] == "both").all(), both[both["_merge"] != "both"]
    assert (both["expression_x"] == both["expression_y"]).all()
    pairs = both[["subject", "who"]].drop_duplicates()
    assert pairs["subject"].is_unique
    assert pairs["who"].is_unique


def assert_all_accounted_for(folder: Path, listing: datasets.Listing) -> None:
    images = [
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if is_image(path.name)
    ]
    told = [*listing.photographs["file"], *listing.skipped["file"]]
    assert sorted(file for file in told if is_image(file)) == sorted(images)


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("folder_name", ["as named", "anything"])
def test_each_form_is_recognised_and_read(
    name: str, folder_name: str, tmp_path: Path, draw: Draw
) -> None:
    folder = name if folder_name == "as named" else "anything"
    truth = BUILDERS[name](tmp_path / folder, draw)
    listing = datasets.read(tmp_path)
    assert listing.forms == {folder: name}
    assert_is_truth(listing.photographs, folder, truth)
    assert set(listing.photographs["subject"].str.split("/").str[0]) == {folder}
    assert_all_accounted_for(tmp_path, listing)


@pytest.mark.parametrize("build", [ckplus, bu4dfe, jaffe])
def test_flattened_forms(build, tmp_path: Path, draw: Draw) -> None:
    truth = build(tmp_path / "flat", draw, flat=True)
    assert_is_truth(datasets.read(tmp_path).photographs, "flat", truth)


@pytest.mark.parametrize(
    ("spelling", "build"),
    [("CK+", ckplus), ("Cohn-Kanade", ckplus), ("BU-4DFE", bu4dfe), ("JAFFE", jaffe)],
)
def test_common_spellings_of_folders(spelling: str, build, tmp_path: Path, draw: Draw) -> None:
    truth = build(tmp_path / spelling, draw)
    # Many pictures that the set does not know leave it recognised by its folder's name.
    for number in range(2 * len(truth) + 200):
        (tmp_path / spelling / f"extra-{number}.png").touch()
    listing = datasets.read(tmp_path)
    assert listing.forms == {spelling: build.__name__}
    assert len(listing.photographs) == len(truth)


def test_sets_are_read_side_by_side_and_sorted(tmp_path: Path, draw: Draw) -> None:
    truths = {name: build(tmp_path / name, draw) for name, build in BUILDERS.items()}
    table = datasets.read(tmp_path).photographs
    assert list(table["file"]) == sorted(table["file"])
    for name, truth in truths.items():
        assert_is_truth(table[table["dataset"] == name], name, truth)
    without = datasets.reading.WITHOUT_SUBJECTS
    named = table[~table["dataset"].isin(without)]
    assert named["subject"].nunique() == 2 * (len(BUILDERS) - len(without))
    assert datasets.read(tmp_path).without_subjects == sorted(without)


@pytest.mark.parametrize("apex_frames", [1, 2, 5])
def test_ckplus_apex_frames(apex_frames: int, tmp_path: Path, draw: Draw) -> None:
    truth = ckplus(tmp_path / "ckplus", draw, apex=apex_frames)
    listing = datasets.read(tmp_path, ckplus_apex_frames=apex_frames)
    assert_is_truth(listing.photographs, "ckplus", truth)
    reasons = listing.skipped["reason"].value_counts()
    assert reasons["sequence has no label"] == 2 * 8
    assert reasons[UNUSED_FRAME] == 2 * 6 * (8 - 1 - apex_frames)


@pytest.mark.parametrize("text", ["", "eight", "9.0", "nan", "2.5", "\x00\xff"])
def test_ckplus_malformed_label(text: str, tmp_path: Path, draw: Draw) -> None:
    ckplus(tmp_path / "ckplus", draw, subjects=1)
    labels = tmp_path / "ckplus/Emotion/S005/001/S005_001_00000008_emotion.txt"
    labels.write_text(text, encoding="latin-1")
    table = datasets.read(tmp_path).photographs
    assert set(table[table["sequence"] == "S005_001"]["expression"]) <= {"neutral"}


def test_ckplus_sorted_into_folders_of_expressions(tmp_path: Path) -> None:
    for frame in (15, 16, 17):
        save(tmp_path / f"CK+48/contempt/S138_008_{frame:08}.png", GRAY)
    table = datasets.read(tmp_path).photographs
    assert set(table["expression"]) == {"contempt"}
    assert set(table["subject"]) == {"CK+48/S138"}
    assert list(table["frame"]) == [15, 16, 17]


def test_bu4dfe_of_full_length_takes_the_published_frames(tmp_path: Path) -> None:
    for frame in range(101):
        save(tmp_path / f"bu4dfe/F001/Happy/{frame:03}.jpg", GRAY)
    table = datasets.read(tmp_path, bu4dfe_apex_frames=5).photographs
    assert list(table["frame"]) == [0, 20, 25, 30, 35, 40]
    assert list(table["expression"]) == ["neutral"] + ["happiness"] * 5
    one = datasets.read(tmp_path, bu4dfe_apex_frames=1).photographs
    assert list(one["frame"]) == [0, 30]


def test_bu4dfe_picked_frames_are_all_used(tmp_path: Path) -> None:
    for frame in range(20, 60, 5):
        save(tmp_path / f"bu4dfe/F001_Sad_{frame:03}.png", GRAY)
    table = datasets.read(tmp_path, bu4dfe_apex_frames=2).photographs
    assert list(table["expression"]) == ["sadness"] * 8


@pytest.mark.parametrize("table", ["list.csv", "list.tsv", "docs/LIST.TXT"])
def test_wsefep_tables(table: str, tmp_path: Path, draw: Draw) -> None:
    (tmp_path / "wsefep/docs").mkdir(parents=True)
    truth = wsefep(tmp_path / "wsefep", draw, table=table)
    assert_is_truth(datasets.read(tmp_path).photographs, "wsefep", truth)


@pytest.mark.parametrize(
    "text",
    [
        "AD_7885,joy\nMR2_0001,Fear",
        "MR2_0001.JPG;1+2+4;FEAR\nad_7885.jpg;6+12;enjoyment\n",
        "AD_7885.jpg happy\nMR2_0001.jpg fear\n",
        '"expression","a, b","file"\n"happiness","x","AD_7885.jpg"\n"fear","y","MR2_0001"',
    ],
)
def test_wsefep_tables_of_other_shapes(text: str, tmp_path: Path) -> None:
    for name in ("AD_7885", "MR2_0001"):
        save(tmp_path / f"wsefep/{name}.jpg", GRAY)
    (tmp_path / "wsefep/labels.txt").write_text(text)
    (tmp_path / "wsefep/licence.txt").write_text('For science only; "as is')
    table = datasets.read(tmp_path).photographs
    assert list(table["subject"]) == ["wsefep/AD", "wsefep/MR2"]
    assert list(table["expression"]) == ["happiness", "fear"]


def test_wsefep_without_table(tmp_path: Path) -> None:
    save(tmp_path / "wsefep/AD_7885.jpg", GRAY)
    listing = datasets.read(tmp_path)
    assert listing.photographs.empty
    assert "no table" in listing.skipped["reason"].item()


def gray_values(table: pd.DataFrame, folder: Path) -> list[NDArray[np.uint8]]:
    places = table[["file", "offset"]].itertuples(index=False)
    return [read_gray_values(folder / file, offset) for file, offset in places]


@pytest.mark.parametrize("votes", [False, True])
def test_fer2013(votes: bool, tmp_path: Path) -> None:
    pictures = iter(np.random.default_rng(0).integers(0, 256, (99, 48, 48), dtype=np.uint8))
    drawn = []

    def draw(subject: int, expression: str, intensity: float) -> NDArray[np.uint8]:
        drawn.append(next(pictures))
        return drawn[-1]

    truth = fer2013(tmp_path / "web faces", draw, votes=votes)
    (tmp_path / "web faces/README.csv").write_text("no,table,of,pixels\n")
    listing = datasets.read(tmp_path)
    assert listing.forms == {"web faces": "fer2013"}
    table = listing.photographs
    assert_is_truth(table, "web faces", truth)
    for found, picture in zip(gray_values(table, tmp_path), drawn, strict=True):
        np.testing.assert_array_equal(found, picture)
    if votes:
        seen = {answer: count for answer, count in table["votes"][0].items() if count}
        assert seen == {"anger": 6, "contempt": 3, "unknown": 1}
        assert list(listing.skipped["source"]) == [
            f"web faces/fer00000{n}.png" for n in (14, 15, 16)
        ]
        assert list(listing.skipped["reason"]) == [
            "most of FER+'s raters could not tell its expression",
            "most of FER+'s raters saw no face",
            "FER+'s raters are divided",
        ]
    else:
        assert table["votes"].isna().all()
        assert listing.skipped.empty


def test_fer2013_as_others_write_it(tmp_path: Path) -> None:
    """Columns, blanks and quotes otherwise, a row cut short, and a second copy of the table."""
    pixels = " ".join(["7"] * 256)
    text = f'emotion, Usage, pixels\r\n3, Training,"{pixels}"\r\n9,Training,{pixels}\r\n\r\n2,Tr'
    for name in ("fer2013.csv", "icml_face_data.csv"):
        (tmp_path / "fer").mkdir(exist_ok=True)
        (tmp_path / "fer" / name).write_bytes(text.encode())
    listing = datasets.read(tmp_path)
    assert set(listing.photographs["file"]) == {"fer/fer2013.csv"}
    assert list(listing.photographs["expression"]) == ["happiness", "fear"]
    assert listing.skipped["reason"].item() == "unknown expression '9'"
    assert (gray_values(listing.photographs[:1], tmp_path)[0] == 7).all()
    with pytest.raises(Rejected, match="damaged or truncated"):
        gray_values(listing.photographs[1:], tmp_path)


@pytest.mark.parametrize("change", [lambda lines: lines[:-1], lambda lines: lines[:1] + lines[2:]])
@pytest.mark.parametrize("table", ["fer2013.csv", "fer2013new.csv"])
def test_votes_on_other_faces_are_refused(
    change: Callable[[list[str]], list[str]], table: str, tmp_path: Path, draw: Draw
) -> None:
    fer2013(tmp_path / "fer", draw, votes=True)
    path = tmp_path / "fer" / table
    path.write_text("\n".join(change(path.read_text().splitlines())))
    with pytest.raises(HumanlikeError, match=r"fer2013new\.csv: line \d+ is not about the face"):
        datasets.read(tmp_path)


def test_malformed_votes(tmp_path: Path, draw: Draw) -> None:
    fer2013(tmp_path / "fer", draw, votes=True)
    path = tmp_path / "fer/fer2013new.csv"
    path.write_text(path.read_text().replace(",6,", ",six,", 1))
    with pytest.raises(HumanlikeError, match="line 2 needs Usage, Image name and 10 numbers"):
        datasets.read(tmp_path)


def test_unpacked_copies_of_fer2013(tmp_path: Path) -> None:
    for name in ("train/angry/Training_1", "train/happy/Training_2", "test/angry/PublicTest_1"):
        save(tmp_path / f"faces/{name}.jpg", GRAY)
    table = datasets.read(tmp_path).photographs
    assert list(table["expression"]) == ["anger", "anger", "happiness"]
    assert table["subject"].is_unique


def test_rafdb_photographs_and_their_aligned_copies(tmp_path: Path, draw: Draw) -> None:
    folder = tmp_path / "basic"
    truth = rafdb(folder, draw, aligned=False)
    assert_is_truth(datasets.read(tmp_path).photographs, "basic", truth)
    save(folder / "Image/aligned/test_00003_aligned.jpg", GRAY)
    save(folder / "Image/aligned/test_09999_aligned.jpg", GRAY)
    save(folder / "Image/aligned/portrait.jpg", GRAY)
    listing = datasets.read(tmp_path)
    assert len(listing.photographs) == len(truth)
    assert "basic/Image/aligned/test_00003_aligned.jpg" in set(listing.photographs["file"])
    assert dict(listing.skipped[["source", "reason"]].itertuples(index=False)) == {
        "basic/Image/original/test_00003.jpg": UNUSED_COPY,
        "basic/Image/aligned/test_09999_aligned.jpg": "not in the set's list",
        "basic/Image/aligned/portrait.jpg": "file name is not of the form train_00001_aligned",
    }


def test_rafdb_in_folders_of_numbers_and_of_words(tmp_path: Path) -> None:
    for name in ("train/1/train_00001_aligned", "test/7/test_0001_aligned", "sad/train_00002"):
        save(tmp_path / f"RAF-DB/{name}.jpg", GRAY)
    listing = datasets.read(tmp_path)
    assert listing.forms == {"RAF-DB": "rafdb"}
    found = dict(listing.photographs[["subject", "expression"]].itertuples(index=False))
    assert found == {
        "RAF-DB/train_00001": "surprise",
        "RAF-DB/test_0001": "neutral",
        "RAF-DB/train_00002": "sadness",
    }


def test_affectnet_of_the_older_form(tmp_path: Path, draw: Draw) -> None:
    truth = affectnet_older(tmp_path / "affect", draw, subjects=4)
    save(tmp_path / "affect/Manually_Annotated_Images/3" / f"{'ab' * 28}.jpg", GRAY)
    listing = datasets.read(tmp_path)
    assert listing.forms == {"affect": "affectnet"}
    assert_is_truth(listing.photographs, "affect", truth)
    assert listing.skipped["reason"].value_counts().to_dict() == {
        "labelled as none of the expressions": 2,
        "labelled as uncertain": 2,
        "labelled as no face": 2,
        "no table and no annotation gives its expression": 1,
    }


@pytest.mark.parametrize("label", ["6", 6, 6.0, np.array("6"), np.array([6])])
def test_affectnet_annotations(label: object, tmp_path: Path) -> None:
    folder = tmp_path / "AffectNet/val_set"
    save(folder / "images/12.png", GRAY)
    (folder / "annotations").mkdir()
    np.save(folder / "annotations/12_exp.npy", label)
    assert datasets.read(tmp_path).photographs["expression"].item() == "anger"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "unknown expression '(damaged annotation)'"),
        (b"6", "unknown expression '(damaged annotation)'"),
        (pickled(), "unknown expression '(damaged annotation)'"),
        (None, "no table and no annotation gives its expression"),
    ],
)
def test_affectnet_damaged_annotations(content: bytes | None, reason: str, tmp_path: Path) -> None:
    folder = tmp_path / "AffectNet/val_set"
    save(folder / "images/12.png", GRAY)
    if content is not None:
        (folder / "annotations").mkdir()
        (folder / "annotations/12_exp.npy").write_bytes(content)
    assert datasets.read(tmp_path).skipped["reason"].item() == reason


def test_fega_never_tells_a_given_name(tmp_path: Path, draw: Draw) -> None:
    fega(tmp_path / "fega", draw, subjects=4)
    save(tmp_path / "fega/Maria/Maria sulks.png", GRAY)
    by_hand = tmp_path / "fega-by-hand"
    fega(by_hand, draw, subjects=1)
    rows = [f"{path.name},Maria,anger" for path in by_hand.glob("*_1.png")]
    (by_hand / "labels.csv").write_text("\n".join(["file,subject,expression", *rows]))
    save(tmp_path / "FEGA/other names/Maria.png", GRAY)
    save(tmp_path / "FEGA/anger/Maria_2.png", GRAY)
    listing = datasets.read(tmp_path)
    outputs = (
        listing.photographs.drop(columns="file").to_csv()
        + listing.skipped.drop(columns="file").to_csv()
    )
    for name in FEGA_NAMES:
        assert name.casefold() not in outputs.casefold()
    assert listing.photographs["source"].is_unique
    assert listing.forms["fega-by-hand"] == "labelled"


def test_real_names_of_four_sets(shared: Path, tmp_path: Path) -> None:
    """Half the subjects of four sets, as one tree of picked, flattened files with label files."""
    tables = {path.stem: pd.read_csv(path) for path in (shared / "golden/labels").glob("*.csv")}
    assert len(tables) == 4
    truths = {}
    for name, table in tables.items():
        (tmp_path / name).mkdir()
        for file in table["file"]:
            (tmp_path / name / file).touch()
        truths[name] = list(table[["file", "subject", "expression"]].itertuples(index=False))
    columns = ["file", "expression"]
    tables["wsefep"][columns].to_csv(tmp_path / "wsefep/table.csv", index=False, header=False)
    apex = tables["ckplus"].query("expression != 'neutral'")
    for file, expression in apex[columns].itertuples(index=False):
        label = tmp_path / "ckplus" / f"{Path(file).stem}_emotion.txt"
        label.write_text(f"   {CKPLUS_NUMBERS[expression]:.7e}")
    listing = datasets.read(tmp_path)
    for name, truth in truths.items():
        read = listing.photographs[listing.photographs["dataset"] == name]
        assert_is_truth(read, name, truth)
    assert listing.skipped.empty


def test_photographs_named_after_subjects(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "london").symlink_to(shared / "photos/london")
    listing = datasets.read(tmp_path)
    assert listing.forms == {"london": "folders"}
    assert len(listing.photographs) == 60
    assert (listing.photographs.groupby("subject")["expression"].nunique() == 2).all()


def test_hostile_names_survive_a_table(tmp_path: Path) -> None:
    names = [
        *('quo"te', "' OR 1=1", "a,b", "=1+1", "<script>alert(1)<script>"),
        *("new\nline", "carriage\rreturn", "naïve 顔 😀"),
    ]
    for name in names:
        save(tmp_path / f"set/anger/{name}.png", GRAY)
    table = datasets.read(tmp_path).photographs
    assert set(table["file"]) == {f"set/anger/{name}.png" for name in names}
    table.to_csv(tmp_path / "table.csv", index=False, quoting=csv.QUOTE_NONNUMERIC)
    again = pd.read_csv(tmp_path / "table.csv")
    assert list(again["file"]) == list(table["file"])
    assert list(again["subject"]) == list(table["subject"])


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    save(tmp_path / "set/anger/good.png", GRAY)
    path = os.fsencode(tmp_path / "set/anger") + b"/caf\xe9.png"
    Path(os.fsdecode(path)).touch()
    listing = datasets.read(tmp_path)
    assert len(listing.photographs) == 1
    assert listing.skipped["file"].item() == "set/anger/caf\\xe9.png"
    assert "UTF-8" in listing.skipped["reason"].item()


def test_links(tmp_path: Path) -> None:
    data, secret = tmp_path / "data", tmp_path / "secret.png"
    save(secret, GRAY)
    cached = tmp_path / "cache/files/md5/0a" / ("0" * 30)
    cached.parent.mkdir(parents=True)
    secret.rename(cached)
    save(secret, GRAY)
    save(data / "set/anger/real.png", GRAY)
    (data / "set/anger/within.png").symlink_to("real.png")
    (data / "set/anger/cached.png").symlink_to(cached)
    (data / "set/anger/without.png").symlink_to(secret)
    (data / "set/anger/broken.png").symlink_to("gone.png")
    (data / "set/loop").symlink_to(data / "set")
    listing = datasets.read(data)
    names = listing.photographs["file"].str.removeprefix("set/anger/")
    assert list(names) == ["cached.png", "real.png", "within.png"]
    reasons = dict(listing.skipped[["file", "reason"]].itertuples(index=False))
    assert reasons == {
        "set/anger/without.png": "link leads out of the data set's folder",
        "set/anger/broken.png": "file is missing",
        "set/loop": "links to folders are not followed",
    }


def test_pipes_and_loose_files(tmp_path: Path) -> None:
    save(tmp_path / "loose.png", GRAY)
    (tmp_path / "README.txt").touch()
    (tmp_path / ".hidden").mkdir()
    save(tmp_path / "set/sad/x.png", GRAY)
    os.mkfifo(tmp_path / "set/sad/pipe.png")
    listing = datasets.read(tmp_path)
    assert list(listing.photographs["file"]) == ["set/sad/x.png"]
    assert list(listing.skipped["file"]) == ["loose.png", "set/sad/pipe.png"]


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(HumanlikeError, match="No such file"):
        datasets.read(tmp_path / "data")


def test_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "ckplus").mkdir()
    listing = datasets.read(tmp_path)
    assert listing.photographs.empty
    assert listing.skipped.empty

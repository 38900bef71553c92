import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from humanlike.canonical.geometry import HEIGHT, WIDTH
from humanlike.commands.score_heatmaps import parse_threshold, read_heatmaps, score_folder
from humanlike.errors import HumanlikeError

GRAY = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)).astype(np.uint8)
NAME = "fold0_anger.png"


@pytest.fixture
def net(tmp_path: Path) -> Path:
    folder = tmp_path / "heatmaps" / "net"
    folder.mkdir(parents=True)
    return folder


def with_header(width: int, height: int, bits: int, colour_type: int) -> bytes:
    """A PNG that says it is so big, and has next to no data."""
    header = b"".join(n.to_bytes(4) for n in (width, height)) + bytes([bits, colour_type, 0, 0, 0])
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b"")):
        check = zlib.crc32(kind + data).to_bytes(4)
        parts.append(len(data).to_bytes(4) + kind + data + check)
    return b"".join(parts)


def rgb(*channels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.stack(channels, axis=-1))


ALPHA = np.full_like(GRAY, 255)
AS_GRAY = {
    "gray": Image.fromarray(GRAY),
    "rgb": rgb(GRAY, GRAY, GRAY),
    "rgba": rgb(GRAY, GRAY, GRAY, ALPHA),
    "gray and alpha": rgb(GRAY, ALPHA),
}


@pytest.mark.parametrize("kind", AS_GRAY)
def test_gray_is_gray_however_it_was_saved(net: Path, kind: str) -> None:
    AS_GRAY[kind].save(net / NAME)
    np.testing.assert_array_equal(read_heatmaps(net.parent)["net", 0, "anger"], GRAY)


REFUSED = {
    "16 bits": (Image.fromarray(GRAY.astype(np.uint16) * 257), "16-bit"),
    "1 bit": (Image.fromarray(GRAY > 99), "1-bit"),
    "colour map": (Image.fromarray(cv2.applyColorMap(GRAY, cv2.COLORMAP_JET)), "in colour"),
    "palette": (Image.fromarray(GRAY).convert("P"), "palette"),
    "transparent": (rgb(GRAY, GRAY, GRAY, GRAY), "transparent"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_anything_but_eight_bit_gray_is_refused(net: Path, kind: str) -> None:
    picture, reason = REFUSED[kind]
    picture.save(net / NAME)
    with pytest.raises(HumanlikeError, match=rf"fold0_anger\.png: .*{reason}"):
        read_heatmaps(net.parent)


@pytest.mark.parametrize("form", ["EPS", "JPEG", "BMP", "GIF"])
def test_another_format_named_png_is_refused(net: Path, form: str) -> None:
    Image.fromarray(GRAY).save(net / NAME, format=form)
    with pytest.raises(HumanlikeError, match=r"cannot be read as a PNG .it is no PNG"):
        read_heatmaps(net.parent)


DAMAGED = {
    "huge": (with_header(60_000, 60_000, 8, 0), "60000 wide and 60000 high"),
    "huge, 16 bits": (with_header(2**31 - 1, 2**31 - 1, 16, 6), "2147483647 wide"),
    "without pixels": (with_header(WIDTH, HEIGHT, 8, 0), "cannot be read as a PNG"),
    "cut in its header": (with_header(WIDTH, HEIGHT, 8, 0)[:20], "cannot be read as a PNG"),
    "empty": (b"", "cannot be read as a PNG"),
    "text": (b"no picture at all, only a text", "cannot be read as a PNG"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_what_cannot_be_read_is_one_line(net: Path, tmp_path: Path, kind: str) -> None:
    content, reason = DAMAGED[kind]
    (net / NAME).write_bytes(content)
    with pytest.raises(HumanlikeError, match=reason) as refusal:
        score_folder(net.parent, tmp_path / "out")
    assert NAME in str(refusal.value) and "\n" not in str(refusal.value)
    assert not (tmp_path / "out").exists()


def test_a_folder_named_like_a_heatmap_is_one_line(net: Path) -> None:
    (net / NAME).mkdir()
    with pytest.raises(HumanlikeError, match=r"cannot be read as a PNG .Is a directory"):
        read_heatmaps(net.parent)


def test_two_files_of_one_fold_are_refused(net: Path) -> None:
    for name in ("fold2_fear.png", "fold02_fear.png"):
        Image.fromarray(GRAY).save(net / name)
    with pytest.raises(HumanlikeError, match=r"fold2_fear\.png: fold02_fear\.png is of the same"):
        read_heatmaps(net.parent)


@pytest.mark.parametrize("text", ["2", "-0.1", "nan", "inf", "half", "", "0,5"])
def test_an_impossible_threshold_is_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(HumanlikeError) as refusal:
        score_folder(tmp_path, tmp_path / "out", text)
    expected = f"--threshold: {text!r} is not allowed; give otsu or a number from 0 to 1"
    assert str(refusal.value) == expected


def test_the_command_says_so_and_exits_with_1(tmp_path: Path) -> None:
    options = [str(tmp_path), "-o", "out", "--threshold", "1.5"]
    done = subprocess.run(
        [sys.executable, "-m", "humanlike.cli", "score-heatmaps", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    expected = "--threshold: '1.5' is not allowed; give otsu or a number from 0 to 1"
    assert done.stderr == f"humanlike: {expected}\n"


def test_thresholds() -> None:
    assert [parse_threshold(text) for text in ("otsu", "0", "0.5", "1")] == ["otsu", 0, 0.5, 1]


def test_further_references_are_scored_beside_the_first(
    net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(GRAY).save(net / NAME)
    mine = tmp_path / "references" / "mine"
    mine.mkdir(parents=True)
    for name, picture in {"anger": GRAY, "fear": 255 - GRAY}.items():
        Image.fromarray(picture).save(mine / f"{name}.png")
    score_folder(net.parent, tmp_path / "alone")
    score_folder(net.parent, tmp_path / "both", references=["ekman", "mine"])
    for path in (tmp_path / "alone").rglob("*.*"):
        other = tmp_path / "both" / path.relative_to(tmp_path / "alone")
        assert other.read_bytes() == path.read_bytes(), path
    table = pd.read_csv(tmp_path / "both/mine/scores.csv")
    assert table["iou"].item() == 1  # the heatmap is the map
    correlations = pd.read_csv(tmp_path / "both/mine/tables/map_correlations.csv")
    assert correlations["map_correlation"].item() == pytest.approx(1)
    assert (tmp_path / "both/references.csv").exists()
    assert "Does it look where mine says?" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("references", "reason"),
    [
        (["ekman", "ekman"], "names one twice"),
        (["nowhere"], "references/nowhere/ has no map"),
        (["mine"], "mine has no map of any expression in"),
    ],
)
def test_a_reference_that_cannot_be_used_is_one_line(
    net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, references: list, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(GRAY).save(net / NAME)
    mine = tmp_path / "references" / "mine"
    mine.mkdir(parents=True)
    Image.fromarray(GRAY).save(mine / "fear.png")
    with pytest.raises(HumanlikeError, match=reason):
        score_folder(net.parent, tmp_path / "out", references=references)

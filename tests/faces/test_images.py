"""Every kind of file that is a photograph reads as the same gray picture."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from humanlike.faces import images
from humanlike.faces.images import Rejected, read_gray

#: Left to right dark to bright, top to bottom a little too: no symmetry.
RAMP = (np.arange(64)[None] * 3 + np.arange(48)[:, None]).astype(np.uint8)
GRAY = Image.fromarray(RAMP)


def rgba(background: int = 77) -> Image.Image:
    """The ramp, seen through a hole of white transparency in its upper half."""
    picture = GRAY.convert("RGBA")
    alpha = np.full(RAMP.shape, 255, np.uint8)
    alpha[:24] = 0
    picture.putalpha(Image.fromarray(alpha))
    return picture


OVER_WHITE = np.where(np.arange(48)[:, None] < 24, 255, RAMP)


@pytest.mark.parametrize(
    ("name", "picture", "expected", "tolerance"),
    [
        ("gray.png", GRAY, RAMP, 0),
        ("gray.jpg", GRAY, RAMP, 3),
        ("gray.bmp", GRAY, RAMP, 0),
        ("gray.pgm", GRAY, RAMP, 0),
        ("gray.tiff", GRAY, RAMP, 0),
        ("gray.webp", GRAY, RAMP, 8),
        ("gray.gif", GRAY, RAMP, 0),
        ("colour.png", GRAY.convert("RGB"), RAMP, 0),
        ("colour.jpg", GRAY.convert("RGB"), RAMP, 3),
        ("cmyk.jpg", GRAY.convert("RGB").convert("CMYK"), RAMP, 3),
        ("cmyk.tif", GRAY.convert("RGB").convert("CMYK"), RAMP, 1),
        ("palette.png", GRAY.convert("RGB").quantize(256), RAMP, 4),
        ("black and white.png", GRAY.convert("1", dither=0), (RAMP > 127) * 255, 0),
        ("transparent.png", rgba(), OVER_WHITE, 0),
        ("transparent gray.png", rgba().convert("LA"), OVER_WHITE, 0),
        ("transparent palette.png", rgba().quantize(256), OVER_WHITE, 10),
        ("16 bits.png", Image.fromarray(RAMP.astype(np.uint16) * 257), RAMP, 0),
        ("16 bits.tiff", Image.fromarray(RAMP.astype(np.uint16) * 257), RAMP, 0),
        ("32 bits.tiff", Image.fromarray(RAMP.astype(np.int32)), RAMP, 0),
        ("floats.tiff", Image.fromarray(RAMP.astype(np.float32) / 255), RAMP, 0),
    ],
)
def test_modes_and_formats(
    name: str, picture: Image.Image, expected: NDArray, tolerance: int, tmp_path: Path
) -> None:
    picture.save(tmp_path / name)
    gray = read_gray(tmp_path / name)
    assert gray.dtype == np.uint8
    assert gray.shape == RAMP.shape
    assert np.abs(gray.astype(int) - expected).max() <= tolerance


def test_colour_is_weighed_as_luma(tmp_path: Path) -> None:
    colours = np.zeros((20, 60, 3), np.uint8)
    for channel in range(3):
        colours[:, 20 * channel : 20 * (channel + 1), channel] = 255
    Image.fromarray(colours).save(tmp_path / "colours.png")
    gray = read_gray(tmp_path / "colours.png")
    assert gray[10, [10, 30, 50]] == pytest.approx([0.299 * 255, 0.587 * 255, 0.114 * 255], abs=1)


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, RAMP),
        (2, RAMP[:, ::-1]),
        (3, RAMP[::-1, ::-1]),
        (4, RAMP[::-1]),
        (5, RAMP.T),
        (6, np.rot90(RAMP, 1)),
        (7, RAMP[::-1, ::-1].T),
        (8, np.rot90(RAMP, -1)),
    ],
)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff", "webp"])
def test_exif_orientation(orientation: int, stored: NDArray, suffix: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    gray = read_gray(path)
    assert gray.shape == RAMP.shape
    assert np.abs(gray.astype(int) - RAMP).max() <= 8


def test_misnamed_images_are_known_by_their_content(tmp_path: Path) -> None:
    path = tmp_path / "really-a-png.jpg"
    GRAY.save(path, format="PNG")
    np.testing.assert_array_equal(read_gray(path), RAMP)


def test_first_frame_of_several(tmp_path: Path) -> None:
    GRAY.save(tmp_path / "film.tiff", save_all=True, append_images=[Image.new("L", (64, 48))])
    np.testing.assert_array_equal(read_gray(tmp_path / "film.tiff"), RAMP)


@pytest.mark.parametrize("name", ["large.jpg", "large.png", "deep.png", "progressive.jpg"])
def test_large_photographs_are_reduced(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "PIXEL_BUDGET", 100 * 100)
    ramp = np.tile(np.linspace(0, 255, 900), (600, 1))
    picture = Image.fromarray(ramp.astype(np.uint8))
    if name.startswith("deep"):
        picture = Image.fromarray((ramp * 257).astype(np.uint16))
    picture.save(tmp_path / name, **({"progressive": True} if "progressive" in name else {}))
    gray = read_gray(tmp_path / name)
    height, width = gray.shape
    assert 100 * 100 / 4 < gray.size <= 100 * 100
    assert width / height == pytest.approx(1.5, rel=0.03)
    assert np.abs(gray - np.linspace(0, 255, width)).max() < 4


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "file is missing"),
        (lambda path: path.mkdir(), "not a regular file"),
        (lambda path: put(path, b""), "file is empty"),
        (lambda path: put(path, b"no picture, only words"), "not an image of a known format"),
        (lambda path: put(path, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "format"),
        (lambda path: GRAY.resize((5, 900)).save(path), r"too small \(5×900 pixels\)"),
        (lambda path: Image.fromarray(np.full((20, 20), np.nan)).save(path, "TIFF"), "not numbers"),
    ],
)
def test_reasons(make: Callable[[Path], None], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    make(path)
    with pytest.raises(Rejected, match=reason):
        read_gray(path)


def test_truncated(tmp_path: Path) -> None:
    for suffix in ("jpg", "png", "tiff", "bmp", "webp"):
        path = tmp_path / f"half.{suffix}"
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 80), np.uint8)).save(path)
        put(path, path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(Rejected, match=r"damaged or truncated|known format"):
            read_gray(path)


@pytest.mark.parametrize("size", [(20_000, 20_000), (13_000, 13_000), (10_000, 10_000)])
def test_decompression_bombs_are_refused_unread(size: tuple[int, int], tmp_path: Path) -> None:
    # The header alone promises the pixels: were they read, the file would be found truncated.
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", *size, 8, 6, 0, 0, 0)
    chunk = b"IHDR" + header
    put(
        tmp_path / "bomb.png",
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
        + struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 10) + b"IDAT" + b"\0" * 14,
    )  # fmt: skip
    with pytest.raises(Rejected, match="too many pixels"):
        read_gray(tmp_path / "bomb.png")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "name"),
    [("RGB", "x.jpg"), ("RGB", "x.png"), ("RGBA", "x.webp"), ("P", "x.gif"), ("RGB", "x.tiff")],
)
def test_memory_is_bounded(mode: str, name: str, tmp_path: Path) -> None:
    """Photographs of 56 megapixels are read, or refused, in less than a gigabyte."""
    Image.new(mode, (8000, 7000), 60 if mode == "P" else (60,) * len(mode)).save(tmp_path / name)
    script = (
        "import sys, pathlib, re\n"
        "from humanlike.faces.images import Rejected, read_gray\n"
        "try: print(read_gray(pathlib.Path(sys.argv[1])).shape)\n"
        "except Rejected as reason: print(reason)\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', pathlib.Path('/proc/self/status').read_text())[1])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / name)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    outcome, kilobytes = run.stdout.splitlines()
    assert outcome == "(1750, 2000)" or "too many pixels" in outcome
    assert int(kilobytes) < 1_000_000

"""Any image file -> an 8-bit gray array, or one plain reason why not."""

import math
import re
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

#: Containers that photographs come in. Pillow's other plugins (EPS, which starts an interpreter;
#: fonts, films, forensic formats) are never tried on a stranger's file.
FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "PPM")

#: Larger photographs are reduced to at most this many pixels: a face that fills a tenth of such a
#: picture's side still has more pixels than any network's input.
PIXEL_BUDGET = 4_000_000

#: What decoding one file may take, in bytes; a file that needs more is refused before it is read.
MEMORY_BUDGET = 450 * 2**20

#: A side shorter than this cannot hold 68 landmarks.
MIN_SIDE = 16

#: Measured peaks of bytes per pixel, from opening a file to its reduced picture: by mode where they
#: are not 4, with transparency, and in WebP, whose library keeps several copies.
_BYTES = {"1": 2, "L": 1, "P": 5, "I;16": 6, "I;16B": 6, "I;16L": 6}
_BYTES_TRANSPARENT = 13
_BYTES_WEBP = 20


#: Gray values in a text, and more of them than a line of faces as numbers is known to hold.
_GRAY_VALUES = re.compile(rb"\d{1,3}(?: +\d{1,3})*")
_MOST_VALUES = 512 * 512


class Rejected(Exception):  # noqa: N818 - an outcome of a photograph, not a fault of the program
    """A photograph that cannot be used; the message is the reason, in plain words."""


def read_gray(path: Path) -> NDArray[np.uint8]:
    """Read a photograph as 8-bit gray, upright, in bounded memory.

    Colour becomes luma (ITU-R 601-2); palettes, CMYK and the like go through RGB; transparent
    parts lie over white. Deeper than 8 bits, the full scale (1 for floats, 255 or 65535) that holds
    the largest value becomes 255. Of several frames the first is read. The EXIF orientation is
    applied. Pictures of more than `PIXEL_BUDGET` pixels are reduced by a whole factor.

    Parameters
    ----------
    path : Path
        The file. Its format is told from its content, whatever its name says.

    Returns
    -------
    ndarray of uint8, shape (H, W)
        Gray values, 0 black to 255 white.

    Raises
    ------
    Rejected
        With the reason, whatever is wrong with the file.
    """
    try:
        if not path.is_file():
            raise Rejected("file is missing" if not path.exists() else "not a regular file")
        if path.stat().st_size == 0:
            raise Rejected("file is empty")
        with warnings.catch_warnings():
            # Pillow warns of odd metadata and of large pictures; the latter are bounded below.
            warnings.simplefilter("ignore")
            # Given a name, Pillow maps an uncompressed file into memory, and garbles a TIFF that is
            # stored on its side.
            with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
                return _decode(image)
    except Rejected:
        raise
    except UnidentifiedImageError:
        raise Rejected("not an image of a known format") from None
    except Image.DecompressionBombError:
        raise Rejected("too many pixels to read safely") from None
    except PermissionError:
        raise Rejected("file may not be read (permission denied)") from None
    except Exception:
        # Damaged bytes lead Pillow's plugins to raise almost anything, from OSError and
        # SyntaxError to struct.error and OverflowError. All mean the same here.
        raise Rejected("image is damaged or truncated") from None


def read_gray_values(path: Path, offset: int) -> NDArray[np.uint8]:
    """Read a square picture that a table holds as numbers, as FER2013's does.

    Parameters
    ----------
    path : Path
        A text file.
    offset : int
        The byte at which the picture's gray values begin: decimal numbers from 0 to 255, parted by
        blanks, row after row.

    Returns
    -------
    ndarray of uint8, shape (S, S)

    Raises
    ------
    Rejected
        With the reason, whatever is wrong with the values.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            text = file.readline(_MOST_VALUES * len("255 "))
    except OSError:
        raise Rejected("file is missing or may not be read") from None
    match = _GRAY_VALUES.match(text)
    values = np.array([int(value) for value in match[0].split()] if match else [], dtype=int)
    side = math.isqrt(len(values))
    if side < MIN_SIDE or side**2 != len(values) or values.max() > 255:
        raise Rejected("gray values are damaged or truncated")
    return values.astype(np.uint8).reshape(side, side)


def _decode(image: Image.Image) -> NDArray[np.uint8]:
    width, height = image.size
    factor = _reduction(image)
    # JPEG can be decoded straight to gray at 1/2, 1/4 or 1/8 of its size; others ignore this.
    image.draft("L", (width // factor, height // factor))
    if _decoding_bytes(image, width * height) > MEMORY_BUDGET:
        raise Rejected(f"too many pixels to read safely ({width}×{height})")
    image.load()
    if image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode in ("1", "P"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    image = _reduce(image, _reduction(image))
    if min(image.size) < MIN_SIDE:
        raise Rejected(f"image is too small ({width}×{height} pixels)")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):
        return _to_8_bits(np.asarray(image))
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    if image.mode != "L":
        image = image.convert("RGB").convert("L")
    return np.array(image, dtype=np.uint8)


def _reduction(image: Image.Image) -> int:
    return max(1, math.ceil(math.sqrt(image.width * image.height / PIXEL_BUDGET)))


def _decoding_bytes(image: Image.Image, pixels_of_file: int) -> int:
    if image.format == "WEBP":
        pixel = _BYTES_WEBP
    elif image.has_transparency_data:
        pixel = _BYTES_TRANSPARENT
    else:
        # A TIFF may be one strip, which its library decodes beside the picture.
        pixel = _BYTES.get(image.mode, 4) * (2 if image.format == "TIFF" else 1)
    # A progressive JPEG's coefficients are held whole: three channels of 16 bits.
    coefficients = 6 * pixels_of_file if image.info.get("progressive") else 0
    return image.width * image.height * pixel + coefficients


def _reduce(image: Image.Image, factor: int) -> Image.Image:
    if factor == 1:
        return image
    if not image.mode.startswith("I;16"):
        return image.reduce(factor)
    values = np.asarray(image)
    height, width = (side // factor for side in values.shape)
    blocks = values[: height * factor, : width * factor].reshape(height, factor, width, factor)
    reduced = Image.fromarray(blocks.mean(axis=(1, 3), dtype=np.float32).round().astype(np.uint16))
    reduced.info = image.info
    return reduced


def _to_8_bits(values: NDArray) -> NDArray[np.uint8]:
    top = values.max()
    if not np.isfinite(top) or not np.isfinite(values.min()):
        raise Rejected("image holds values that are not numbers")
    if values.dtype.kind == "u":
        scale: float = 65535
    else:
        scales = (1, 255, 65535) if values.dtype.kind == "f" else (255, 65535)
        scale = next((scale for scale in scales if top <= scale), float(top))
    return (np.clip(values / np.float32(scale), 0, 1) * 255).round().astype(np.uint8)

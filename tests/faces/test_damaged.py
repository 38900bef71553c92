"""Hundreds of broken files, in one run of a process of its own."""

import json
import struct
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RUN = """
import json, re, sys
from pathlib import Path
from humanlike.faces.detect import detector
from humanlike.faces.extract import extract_face
from humanlike.faces.images import Rejected

outcomes = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        face = extract_face(path, detector("hog"), 64)
        assert face.image.shape == (64, 64) and face.landmarks.shape == (68, 2)
        outcomes[path.name] = "used"
    except Rejected as reason:
        outcomes[path.name] = str(reason)
kilobytes = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(json.dumps({"outcomes": outcomes, "kilobytes": int(kilobytes)}))
"""

#: Suffix and how Pillow saves it.
FORMATS: list[tuple[str, dict[str, object]]] = [
    ("png", {}),
    ("jpg", {}),
    ("progressive.jpg", {"progressive": True}),
    ("tiff", {}),
    ("lzw.tiff", {"compression": "tiff_lzw"}),
    ("gif", {}),
    ("bmp", {}),
    ("webp", {}),
    ("pgm", {}),
]


def encode(picture: NDArray, suffix: str, options: dict[str, object]) -> bytes:
    buffer = BytesIO()
    name = {"jpg": "JPEG", "pgm": "PPM"}.get(suffix.rpartition(".")[2], suffix.rpartition(".")[2])
    Image.fromarray(picture).save(buffer, format=name, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def truncate(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(len(data))]


def truncate_header(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(1, 64)]


def flip_bits(data: bytes, rng: np.random.Generator) -> bytes:
    array = np.frombuffer(data, np.uint8).copy()
    array[rng.integers(len(array), size=40)] ^= np.uint8(1) << rng.integers(8, dtype=np.uint8)
    return array.tobytes()


def scramble_header(data: bytes, rng: np.random.Generator) -> bytes:
    array = np.frombuffer(data, np.uint8).copy()
    array[rng.integers(4, 80, size=6)] = rng.integers(256, size=6)
    return array.tobytes()


def huge_sizes(data: bytes, rng: np.random.Generator) -> bytes:
    """Write a large number wherever the picture's side (256) stands in the first bytes."""
    head, rest = data[:600], data[600:]
    side = int(rng.choice([20_000, 40_000, 65_000]))
    for order in ("<", ">"):
        head = head.replace(struct.pack(f"{order}H", 256), struct.pack(f"{order}H", side))
    head = head.replace(b"256", str(side).encode())
    if data.startswith(b"\x89PNG"):
        head = head[:29] + struct.pack(">I", zlib.crc32(head[12:29])) + head[33:]
    return head + rest


def drop_block(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(data)))
    return data[:start] + data[start + int(rng.integers(1, 500)) :]


def zero_block(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(data)))
    length = min(int(rng.integers(1, 2000)), len(data) - start)
    return data[:start] + bytes(length) + data[start + length :]


def insert_noise(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(data)))
    return data[:start] + rng.bytes(300) + data[start:]


def foreign_header(data: bytes, rng: np.random.Generator) -> bytes:
    header = [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"II*\0", b"BM", b"GIF89a", b"RIFF"]
    return header[rng.integers(len(header))] + data[8:]


def noise_only(data: bytes, rng: np.random.Generator) -> bytes:
    return data[:12] + rng.bytes(2000)


MUTATIONS: list[Callable[[bytes, np.random.Generator], bytes]] = [
    truncate,
    truncate_header,
    flip_bits,
    scramble_header,
    huge_sizes,
    drop_block,
    zero_block,
    insert_noise,
    foreign_header,
    noise_only,
]


def write_corpus(folder: Path, picture: NDArray[np.uint8], repeats: int = 3) -> int:
    rng = np.random.default_rng(2024)
    whole = {suffix: encode(picture, suffix, options) for suffix, options in FORMATS}
    whole["deep.png"] = encode(picture.astype(np.uint16) * 257, "png", {})
    for suffix, data in whole.items():
        for mutate in MUTATIONS:
            for number in range(repeats):
                (folder / f"{mutate.__name__}-{number}.{suffix}").write_bytes(mutate(data, rng))
        (folder / f"whole.{suffix}").write_bytes(data)
    (folder / "empty.jpg").touch()
    (folder / "words.png").write_text("<script>alert('no picture')</script>")
    (folder / "gone.png").symlink_to("nowhere")
    (folder / "folder.png").mkdir()
    return len(list(folder.iterdir()))


def test_broken_files_are_each_used_or_given_a_reason(
    face: NDArray[np.uint8], tmp_path: Path
) -> None:
    files = write_corpus(tmp_path, face)
    assert files > 300
    run = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    result = json.loads(run.stdout)
    assert result["kilobytes"] < 1_000_000
    outcomes: dict[str, str] = result["outcomes"]
    assert len(outcomes) == files
    for suffix in (*(suffix for suffix, _ in FORMATS), "deep.png"):
        assert outcomes[f"whole.{suffix}"] == "used"
    counts = Counter(outcome.partition(" (")[0] for outcome in outcomes.values())
    assert set(counts) <= {
        "used",
        "file is empty",
        "file is missing",
        "not a regular file",
        "not an image of a known format",
        "image is damaged or truncated",
        "image is too small",
        "too many pixels to read safely",
        "no face",
        "2 faces",
        "3 faces",
        "landmarks outside the image",
    }
    assert counts["image is damaged or truncated"] > 50
    assert counts["too many pixels to read safely"] > 5
    assert outcomes["empty.jpg"] == "file is empty"
    assert outcomes["words.png"] == "not an image of a known format"

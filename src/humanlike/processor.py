"""What the processor is called, and what it multiplies in."""

import platform
from pathlib import Path

#: Where Linux says so.
CPUINFO = Path("/proc/cpuinfo")

#: Linux's names of multiplication in bfloat16. Other processors emulate it, many times slower than
#: float32, and libraries do not always tell the one from the other.
BFLOAT16 = {"avx512_bf16", "amx_bf16"}

#: And those of eight-bit integers: four products added up at once, without loss (VNNI) ...
VNNI = {"avx512_vnni", "avx_vnni", "amx_int8"}

#: ... or two, in sixteen bits, which two large ones exceed.
PAIRS = {"avx2"}


def name() -> str:
    """The processor's name, or what else is known of it, and its lower precisions.

    Clouds give processors that differ in these one name.
    """
    known = _told("model name") or platform.processor() or "unknown"
    own = {"bfloat16": has_bfloat16(), "VNNI": has_vnni()}
    lower = " and ".join(precision for precision, there in own.items() if there)
    return f"{known} with {lower}" if lower else known


def has_bfloat16() -> bool:
    """Whether it multiplies in bfloat16; False where that cannot be known."""
    return not BFLOAT16.isdisjoint(_told("flags").split())


def has_int8() -> bool:
    """Whether it adds up products of eight-bit integers; False where that cannot be known."""
    return not (VNNI | PAIRS).isdisjoint(_told("flags").split())


def has_vnni() -> bool:
    """Whether it adds them up without loss; False where that cannot be known."""
    return not VNNI.isdisjoint(_told("flags").split())


def _told(key: str) -> str:
    """What Linux says of the first core; nothing elsewhere."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    found = (line.split(":", 1)[1].strip() for line in lines if line.startswith(key))
    return next(found, "")

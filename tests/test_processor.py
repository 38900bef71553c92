import platform

import pytest

from humanlike import processor

INTEL = """processor	: 0
model name	: Some(R) Processor @ 2.0GHz
flags		: fpu avx512f avx_vnni amx_bf16 amx_tile
bugs		: avx512_bf16 avx512_vnni

processor	: 1
model name	: Another
flags		: fpu
"""


@pytest.mark.parametrize(
    ("told", "name", "bfloat16", "int8", "vnni"),
    [
        (INTEL, "Some(R) Processor @ 2.0GHz with bfloat16 and VNNI", True, True, True),
        (INTEL.replace("amx_bf16 ", ""), "Some(R) Processor @ 2.0GHz with VNNI", False, True, True),
        (
            INTEL.replace("avx_vnni ", ""),
            "Some(R) Processor @ 2.0GHz with bfloat16",
            True,
            False,
            False,
        ),
        (
            INTEL.replace("avx_vnni", "avx2"),
            "Some(R) Processor @ 2.0GHz with bfloat16",
            True,
            True,
            False,
        ),
        ("flags : fpu avx512_bf16\n", "by Python with bfloat16", True, False, False),
        ("flags : fpu avx512_vnni\n", "by Python with VNNI", False, True, True),
        ("flags : fpu avx2\n", "by Python", False, True, False),
        ("", "by Python", False, False, False),
        (None, "by Python", False, False, False),
    ],
)
def test_linux_says_what_a_processor_is(told, name, bfloat16, int8, vnni, monkeypatch, tmp_path):
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "processor", lambda: "by Python")
    if told is not None:
        processor.CPUINFO.write_text(told)
    assert processor.name() == name
    assert processor.has_bfloat16() == bfloat16
    assert processor.has_int8() == int8
    assert processor.has_vnni() == vnni

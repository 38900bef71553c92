import platform

import pytest

from humanlike import processor

INTEL = """processor	: 0
model name	: Some(R) Processor @ 2.0GHz
flags		: fpu avx512f amx_bf16 amx_tile
bugs		: avx512_bf16

processor	: 1
model name	: Another
flags		: fpu
"""


@pytest.mark.parametrize(
    ("told", "name", "bfloat16"),
    [
        (INTEL, "Some(R) Processor @ 2.0GHz", True),
        (INTEL.replace("amx_bf16 ", ""), "Some(R) Processor @ 2.0GHz", False),
        ("flags : fpu avx512_bf16\n", "by Python", True),
        ("", "by Python", False),
        (None, "by Python", False),
    ],
)
def test_linux_says_what_a_processor_is(told, name, bfloat16, monkeypatch, tmp_path):
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "processor", lambda: "by Python")
    if told is not None:
        processor.CPUINFO.write_text(told)
    assert processor.name() == name
    assert processor.has_bfloat16() == bfloat16

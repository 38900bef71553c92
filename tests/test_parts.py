"""CI runs a part of the slow tests with each commit: the parts are all of them, and none twice."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = "@pytest.mark.slow\ndef test_slow{0}(): pass\n"
FAST = "def test_fast(): pass\n"


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    """Four files of tests, with three, two, one and no slow ones."""
    for name, slow in {"a": 1, "b": 3, "c": 0, "d": 2}.items():
        text = "import pytest\n" + FAST + "".join(SLOW.format(i) for i in range(slow))
        (tmp_path / f"test_{name}.py").write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow: takes long\n")
    return tmp_path


def run(folder: Path, part: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "-v",
         "--slow-part", part],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
    )  # fmt: skip


def passed(folder: Path, part: str) -> list[str]:
    """Names of the tests that passed, in their order."""
    said = run(folder, part)
    assert said.returncode == 0, said.stdout + said.stderr
    return re.findall(r"^(\S+) PASSED", said.stdout, re.MULTILINE)


def test_every_slow_test_is_of_one_part_and_fast_ones_are_of_all(tests: Path) -> None:
    whole = passed(tests, "1/1")
    fast = [name for name in whole if "fast" in name]
    assert len(whole) == 10 and len(fast) == 4
    assert whole[0].startswith("test_b.py") and whole[-1].startswith("test_c.py")
    parts = [passed(tests, f"{number}/2") for number in (1, 2)]
    for part in parts:
        assert [name for name in part if "fast" in name] == fast
    slow = [name for part in parts for name in part if "slow" in name]
    assert sorted(slow) == sorted(set(whole) - set(fast))
    assert {name[:6] for name in parts[0] if "slow" in name} == {"test_b", "test_a"}


@pytest.mark.parametrize("part", ["0/2", "3/2", "half"])
def test_a_part_that_there_is_not_is_refused(tests: Path, part: str) -> None:
    said = run(tests, part)
    assert said.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"--slow-part: invalid part value: '{part}'" in said.stderr

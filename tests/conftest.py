"""What every test may use."""

import fcntl
import os
from collections import Counter
from pathlib import Path

import hypothesis
import pytest
from project import Project, run_once

import humanlike  # noqa: F401  before TensorFlow, as in any process of ours: it says how that computes

# The same examples every time, and no deadline that a busy machine would miss.
hypothesis.settings.register_profile("humanlike", deadline=None, derandomize=True)
hypothesis.settings.load_profile("humanlike")

ROOT = Path(__file__).parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--slow-part",
        type=part,
        default=(1, 1),
        metavar="I/N",
        help="run the slow tests of every Nth file alone, from the Ith on, and skip the others",
    )


def part(text: str) -> tuple[int, int]:
    """Read 2/4 as (2, 4)."""
    number, _, count = text.partition("/")
    if not 1 <= int(number) <= int(count):
        raise ValueError(text)
    return int(number), int(count)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files with the most slow tests come first, or one process would be left with them alone.

    Of these files, those of other parts than `--slow-part` names keep their fast tests alone.
    """
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])
    number, count = config.getoption("slow_part")
    files = sorted(slow, key=lambda path: -slow[path])
    here = set(files[number - 1 :: count])
    for item in items:
        if item.get_closest_marker("slow") and item.path not in here:
            item.add_marker(pytest.mark.skip(reason=f"slow, and not of part {number} of {count}"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Published reference data and licensed photographs, which are not part of the project."""
    folder = Path(os.environ.get("HUMANLIKE_SHARED", ROOT.parent / "shared"))
    if not (folder / "golden").is_dir():
        pytest.skip("no shared/ folder with reference data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small project that was run from end to end: for looking at, and for copying.

    The test processes of one run share it: the first that comes makes it, the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "first_run.log").exists():
            run_once(home / "project")
    return Project(home / "project")

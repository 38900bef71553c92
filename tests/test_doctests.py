"""The examples in docstrings say what happens."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src"
MODULES = [
    ".".join(path.relative_to(SOURCES).with_suffix("").parts)
    for path in sorted(SOURCES.rglob("*.py"))
    if "\n    >>> " in path.read_text()
]


@pytest.mark.parametrize("module", MODULES)
def test_examples(module: str) -> None:
    done = doctest.testmod(import_module(module))
    assert done.attempted and not done.failed


def test_there_are_examples_where_one_teaches() -> None:
    rooms = {module.split(".")[1] for module in MODULES}
    assert {"alignment", "report", "times"} <= rooms

"""The floors that CONTRIBUTING.md names: no import leads up, and none in a circle."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src" / "humanlike"
RULES = (ROOT / "CONTRIBUTING.md").read_text()


def said(before: str, after: str) -> str:
    """What CONTRIBUTING.md says between two of its phrases."""
    return RULES.partition(before)[2].partition(after)[0]


def named(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text))


#: The highest first; what is on none of them is "the rest", below them all.
FLOORS = [named(part) for part in said("only those below it**:", "the rest").split("→")[:-1]]


def module(name: str) -> Path | None:
    """The file of a dotted name, or of what it is a part of; None if it is not the project's."""
    parts = name.split(".")
    if parts[0] != "humanlike":
        return None
    path = SOURCES.joinpath(*parts[1:])
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.exists():
            return file
    return module(".".join(parts[:-1]))


def imports(file: Path) -> Iterator[str]:
    """All that a file imports, wherever in it, for type checkers too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports are not followed here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def place(file: Path) -> str:
    """The package or file of the first level."""
    return file.relative_to(SOURCES).parts[0].removesuffix(".py")


def floor(name: str) -> int:
    """0 the highest."""
    return next((i for i, names in enumerate(FLOORS) if name in names), len(FLOORS))


GRAPH = {
    file: {other for name in imports(file) if (other := module(name)) not in (None, file)}
    for file in sorted(SOURCES.rglob("*.py"))
}


def test_the_floors_are_read_and_there() -> None:
    assert [len(names) for names in FLOORS[:2]] == [1, 2]
    assert {"artifacts", "params", "report"} < FLOORS[2]
    assert set().union(*FLOORS) <= {place(file) for file in GRAPH}
    assert sum(map(len, GRAPH.values())) > 500


def test_no_import_leads_up() -> None:
    assert [
        f"{file.relative_to(SOURCES)} imports {other.relative_to(SOURCES)}"
        for file, others in GRAPH.items()
        for other in others
        if floor(place(other)) < floor(place(file))
    ] == []


def test_neither_stages_nor_commands_import_the_other() -> None:
    between = {(place(file), place(other)) for file, others in GRAPH.items() for other in others}
    assert ("stages", "params") in between and ("commands", "params") in between
    assert not between & {("stages", "commands"), ("commands", "stages")}


def test_no_imports_in_a_circle() -> None:
    TopologicalSorter(GRAPH).prepare()


def test_tensorflow_is_imported_where_it_may_be() -> None:
    allowed = named(said("TensorFlow\n  is imported by", "alone")) | {"explainers"}
    users = {
        place(file)
        for file in GRAPH
        if {name.partition(".")[0] for name in imports(file)} & {"keras", "tensorflow"}
    }
    assert users == allowed

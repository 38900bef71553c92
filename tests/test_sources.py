"""Each stage is stale when a source that decides what it makes was changed, and else it is not."""

import ast
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from project import Project, copy

from humanlike.explainers.methods import METHODS

STAGES = ("preprocess", "evidence", "guidance", "train", "explain", "standardize", "score")

#: What stages import and what decides no byte of what they make: how errors are said, how progress
#: is shown, where the work runs, how long it took, how DVC is asked for a file; nor does what is
#: imported by these alone.
DECIDES_NOTHING = {"errors.py", "progress.py", "cluster.py", "storage.py", "times.py"}

#: Files of folders that are dependencies as a whole, of stages that do not import them.
NEIGHBOURS = {
    "preprocess": {"faces/augment.py"},
    "guidance": {"alignment/planted.py", "alignment/power.py", "canonical/parts.py"},
    "train": {"networks/trial.py"},
    "explain": {"explainers/importance.py"},
    "evidence": {"canonical/parts.py"},
    "score": {
        "alignment/evidence.py",
        "alignment/planted.py",
        "alignment/power.py",
        "report/paper.py",
        "report/words.py",
    },
}


def imports(path: Path) -> Iterator[str]:
    """The names that a module imports, wherever in it, and whether they are modules or not."""
    tree = ast.parse(path.read_text())
    # What only type checkers import is never run.
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reached(module: str, sources: Path, found: set[Path]) -> set[Path]:
    """The project's files that importing a module may run."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        path = sources.joinpath(*parts[:end])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.exists() and file not in found:
                found.add(file)
                if file.relative_to(sources / "humanlike").as_posix() in DECIDES_NOTHING:
                    continue
                for name in imports(file):
                    reached(name, sources, found)
    return found


def decides(path: Path) -> bool:
    """Whether a file has a say in what is made: a package's names and description have none."""
    defined = ast.FunctionDef | ast.ClassDef
    return path.name != "__init__.py" or any(
        isinstance(node, defined) for node in ast.parse(path.read_text()).body
    )


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy(finished, tmp_path_factory.mktemp("home") / "project")


def test_every_source_that_decides_is_a_dependency(project: Project) -> None:
    from dvc.repo import Repo

    root = project.folder / "src"
    package = root / "humanlike"
    expected = {stage: reached(f"humanlike.stages.{stage}", root, set()) for stage in STAGES}
    reached("humanlike.commands.report", root, expected["score"])
    for method in METHODS.values():
        reached(f"humanlike.explainers.{method.module}", root, expected["explain"])
    stale: dict[str, set[str]] = {stage: set() for stage in STAGES}
    # DVC's own status, asked of one process: a hundred commands would take minutes.
    with chdir(project.folder), Repo() as repo:
        loaded = {
            kind: repo.stage.collect(
                f"{kind}@weinet-0" if kind in ("train", "explain", "standardize") else kind
            )
            for kind in STAGES
        }
        for path in sorted(package.rglob("*.py")):
            content = path.read_bytes()
            path.write_bytes(content + b"# edited\n")
            for kind, (stage,) in loaded.items():
                if any(dep.status() for dep in stage.deps if str(dep).startswith("src")):
                    stale[kind].add(path.relative_to(package).as_posix())
            path.write_bytes(content)
    for stage in STAGES:
        wanted = {
            path.relative_to(package).as_posix() for path in expected[stage] if decides(path)
        } - DECIDES_NOTHING
        assert wanted - stale[stage] == set(), f"{stage} imports these, and does not depend on them"
        needless = {name for name in stale[stage] - wanted if decides(package / name)}
        assert needless == NEIGHBOURS.get(stage, set()), f"{stage} depends on these without need"


@pytest.mark.parametrize(
    ("path", "stages"),
    [
        ("src/humanlike/figures.py", ["evidence", "score"]),
        ("src/humanlike/params.py", list(STAGES)),
        ("weights/none", ["train"]),
    ],
)
def test_dvc_status_says_so(project: Project, path: str, stages: list[str]) -> None:
    file = project.folder / path
    content = file.read_bytes()
    file.write_bytes(content + b"# edited\n")
    try:
        said = project.run("dvc", "status", "dvc.yaml")
    finally:
        file.write_bytes(content)
    changed = [line.strip(" :\n") for line in said.splitlines() if line[:1].isalpha()]
    assert {name.partition("@")[0] for name in changed} == set(stages)
    assert said.count("changed deps") == len(changed)

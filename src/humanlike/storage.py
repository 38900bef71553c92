"""What DVC keeps: run it, ask it what a stage reads, and bring files that only a remote has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from humanlike.errors import HumanlikeError

#: The remote inside the repository, of the sample and what score needs of it; see `.dvc/config`.
EMBEDDED = "embedded"
OBJECTS = Path("remote/files/md5")

#: What DVC says of files that are not here, or that it could not bring back.
MISSING = ("deleted", "not in cache")


def dvc(*arguments: str) -> str:
    """Run a DVC command and give what it prints.

    Raises
    ------
    HumanlikeError
        The command fails; the message is its last line.
    """
    # DVC starts the stages' commands by name, and this environment need not be the active one.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["failed"]
        ours = [line for line in said if line.startswith("humanlike: ")]
        reason = (ours or said)[-1].removeprefix("humanlike: ")
        raise HumanlikeError(f"dvc {' '.join(arguments)}: {reason}")
    return done.stdout


def inputs(stage: str, project: Path = Path()) -> dict[str, str]:
    """What a stage reads as it is now: a digest of each dependency, and its params.

    Raises
    ------
    HumanlikeError
        The project has no such stage, or DVC cannot read it.
    """
    from dvc.dependency import ParamsDependency
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(project)) as repo:
            # DVC looks for a bare stage's dvc.yaml in the folder that the process works in.
            (found,) = repo.stage.collect(f"{Path(project, 'dvc.yaml').resolve()}:{stage}")
            return {
                str(dep): json.dumps(dep.read_params(), sort_keys=True)
                if isinstance(dep, ParamsDependency)
                else str(dep.get_hash() if dep.exists else None)
                for dep in found.deps
            }
    except DvcException as error:
        raise HumanlikeError(f"dvc: {stage}: {error}") from None


@dataclass(frozen=True)
class State:
    """What DVC knows of a stage, or of a .dvc file.

    Attributes
    ----------
    name
        As DVC calls it, such as train@weinet-0, people/dvc.yaml:behaviour or data.dvc.
    changed
        What it reads or wrote and is other now, such as params.yaml (train.seed).
    missing
        Files of it that are not here, or not in the cache.
    follows
        A stage that it depends on, or one that this depends on, was changed.
    """

    name: str
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    follows: bool

    @property
    def done(self) -> bool:
        """Whether `dvc repro` has nothing to do here."""
        return not (self.changed or self.missing or self.follows)


def states() -> list[State]:
    """The state of every stage of the project, each after those that it depends on.

    Raises
    ------
    HumanlikeError
        This is no DVC project, or DVC cannot read it.
    """
    import networkx
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            status = repo.status()
            graph = repo.index.graph
    except DvcException as error:
        raise HumanlikeError(f"dvc: {error}") from None
    missing = {
        path
        for entries in status.values()
        for path, state in _differences(entries, "changed outs")
        if state in MISSING
    }
    found: dict[str, State] = {}
    for stage in networkx.lexicographical_topological_sort(
        graph.reverse(copy=False), key=_definition(graph)
    ):
        changed, gone = _split(status.get(stage.addressing, []), missing)
        needs = (found[need.addressing] for need in graph.successors(stage))
        follows = any(need.changed or need.follows for need in needs)
        found[stage.addressing] = State(stage.addressing, changed, gone, follows)
    return list(found.values())


def _definition(graph: Any) -> Any:
    """A key that sorts stages as `dvc.yaml` defines them."""
    order = {stage: number for number, stage in enumerate(graph.nodes)}
    return order.__getitem__


def _differences(entries: Sequence[Any], kind: str) -> Iterator[tuple[str, Any]]:
    """Paths that differ by the entries of DVC's status of one stage, and how."""
    for entry in entries:
        if isinstance(entry, dict):
            yield from entry.get(kind, {}).items()


def _split(
    entries: Sequence[Any], missing: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What of a stage was changed, and which of its files are missing.

    A file or folder that it reads is no change where `missing` files of others account for it.
    """
    changed = [entry for entry in entries if isinstance(entry, str)]  # such as "changed command"
    for path, state in _differences(entries, "changed deps"):
        if isinstance(state, dict):
            changed.append(f"{path} ({', '.join(state)})")
        elif not any(Path(file).is_relative_to(path) for file in missing):
            changed.append(path)
    outs = dict(_differences(entries, "changed outs"))
    changed += [path for path, state in outs.items() if state not in MISSING]
    return tuple(changed), tuple(path for path, state in outs.items() if state in MISSING)


def bring(paths: Sequence[Path]) -> None:
    """Pull those of `paths` that are missing: from the embedded remote what it has, or the default.

    `dvc repro --allow-missing` runs a stage without files of which it depends on the folder, and
    DVC's own `--pull` brings no folder that several stages share.

    Raises
    ------
    HumanlikeError
        Files are missing, and cannot be pulled.
    """
    missing = [path for path in paths if not path.exists()]
    if not missing:
        return
    digests = recorded()
    within = {path for path in missing if stored(digests.get(str(path), "")).is_file()}
    wanted = ((("--remote", EMBEDDED), within), ((), set(missing) - within))
    for options, files in wanted:
        if not files:
            continue
        print(f"pulling {len(files)} files that are not here", file=sys.stderr)
        try:
            dvc("pull", "--quiet", *options, *map(str, sorted(files)))
        except HumanlikeError as error:
            raise HumanlikeError(
                f"{min(files)}: no such file ({len(files)} are missing), and it cannot be pulled "
                f"({error}); `dvc repro` makes it"
            ) from None


def recorded() -> dict[str, str]:
    """The digest of every output as `dvc.lock` records it."""
    stages = read_yaml(Path("dvc.lock"))["stages"].values()
    return {out["path"]: out["md5"] for stage in stages for out in stage["outs"]}


def stored(digest: str) -> Path:
    """Where the embedded remote keeps what has a digest."""
    return OBJECTS / digest[:2] / digest[2:]


def read_yaml(path: Path) -> Any:
    """Read one of DVC's own files."""
    try:
        return YAML(typ="safe", pure=True).load(path)
    except FileNotFoundError:
        raise HumanlikeError(f"{path}: no such file; `dvc repro` makes it") from None

"""What DVC keeps: run it, ask it what a stage reads, and bring files that only a remote has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from humanlike.errors import HumanlikeError

#: The remote inside the repository, of the sample and what score needs of it; see `.dvc/config`.
EMBEDDED = "embedded"


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
            (found,) = repo.stage.collect(stage)
            return {
                str(dep): json.dumps(dep.read_params(), sort_keys=True)
                if isinstance(dep, ParamsDependency)
                else str(dep.get_hash() if dep.exists else None)
                for dep in found.deps
            }
    except DvcException as error:
        raise HumanlikeError(f"dvc: {stage}: {error}") from None


def bring(paths: Sequence[Path]) -> None:
    """Pull those of `paths` that are missing, from the default remote or the embedded one.

    `dvc repro --allow-missing` runs a stage without files of which it depends on the folder, and
    DVC's own `--pull` brings no folder that several stages share.

    Raises
    ------
    HumanlikeError
        Files are missing, and no remote has them.
    """
    for options in ((), ("--remote", EMBEDDED)):
        missing = [str(path) for path in paths if not path.exists()]
        if not missing:
            return
        print(f"pulling {len(missing)} files that are not here", file=sys.stderr)
        try:
            dvc("pull", "--quiet", *options, *missing)
        except HumanlikeError:
            continue
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise HumanlikeError(
            f"{missing[0]}: no such file, and no remote has it ({len(missing)} are missing); "
            "`dvc repro` makes it"
        )

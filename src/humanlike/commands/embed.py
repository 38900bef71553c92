"""Put what score needs of the sample into the remote inside the repository: `make results`.

A fresh clone can then score with other params before it has trained anything. The objects are
renewed with the results and by nothing else: what anyone's own `dvc push` makes never comes there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from humanlike import artifacts
from humanlike.errors import HumanlikeError
from humanlike.params import load
from humanlike.storage import EMBEDDED, OBJECTS, dvc, read_yaml, recorded, stored


def embed() -> None:
    """Push the sample and the results of which score is made, and stage the objects for git.

    Objects that git has and nothing needs any more are removed. Others in the folder are not
    touched.

    Raises
    ------
    HumanlikeError
        `data.dvc` is not the sample's, or a stage is not up to date.
    """
    (data,) = read_yaml(Path("data.dvc"))["outs"]
    if data.get("remote") != EMBEDDED:
        raise HumanlikeError(
            f"data.dvc does not name the remote {EMBEDDED!r}: these are not the sample's results, "
            "and what is made of anyone's photographs has no place in the repository"
        )
    if stale := json.loads(dvc("status", "--json")):
        raise HumanlikeError(f"{', '.join(stale)}: not up to date; run `dvc repro` first")
    results = artifacts.joined(load().units)
    # Two pushes, as DVC 3.67 leaves out the files that are named after a .dvc file.
    for targets in (["data.dvc"], map(str, results)):
        dvc("push", "--quiet", "--remote", EMBEDDED, *targets)

    made = recorded()
    needed = [stored(made[str(path)]) for path in results]
    listing = stored(data["md5"])
    sample = [stored(entry["md5"]) for entry in json.loads(listing.read_bytes())]
    wanted = {*needed, listing, *sample}
    tracked = {Path(name) for name in git("ls-files", "-z", "--", str(OBJECTS)).split("\0") if name}
    git("rm", "-q", "-f", paths=tracked - wanted)
    git("add", "-f", paths=wanted)
    size = sum(path.stat().st_size for path in needed)
    print(
        f"{len(wanted - tracked)} objects added to {OBJECTS}, {len(tracked - wanted)} removed; "
        f"results {size / 1e6:.2f} MB"
    )


def git(*arguments: str, paths: set[Path] | None = None) -> str:
    """Run a git command on any number of paths and give what it prints."""
    options = [] if paths is None else ["--pathspec-from-file=-", "--pathspec-file-nul"]
    if paths is not None and not paths:
        return ""
    done = subprocess.run(
        ["git", *arguments, *options],
        input="\0".join(map(str, sorted(paths or ()))),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise HumanlikeError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    try:
        embed()
    except HumanlikeError as error:
        sys.exit(f"humanlike: {error}")

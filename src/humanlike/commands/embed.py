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

#: The samples: photographs, and a simulated study with people.
SAMPLES = (Path("data.dvc"), Path("people/data.dvc"))


def embed() -> None:
    """Push the samples and the results of which score is made, and stage the objects for git.

    Objects that git has and nothing needs any more are removed. Others in the folder are not
    touched.

    Raises
    ------
    HumanlikeError
        A `.dvc` file is not the sample's, or a stage is not up to date.
    """
    samples = [path for path in SAMPLES if path.exists()]
    listings = []
    for path in samples:
        (data,) = read_yaml(path)["outs"]
        if data.get("remote") != EMBEDDED:
            raise HumanlikeError(
                f"{path} does not name the remote {EMBEDDED!r}: these are not the sample's results,"
                " and what is made of anyone's data has no place in the repository"
            )
        listings.append(stored(data["md5"]))
    targets = ["dvc.yaml", *map(str, samples)]
    if stale := json.loads(dvc("status", "--json", *targets)):
        raise HumanlikeError(f"{', '.join(stale)}: not up to date; run `dvc repro` first")
    params = load()
    results = artifacts.joined(params.units, params.score.references)
    # Two pushes, as DVC 3.67 leaves out the files that are named after a .dvc file.
    for paths in (samples, results):
        dvc("push", "--quiet", "--remote", EMBEDDED, *map(str, paths))

    made = recorded()
    needed = [stored(made[str(path)]) for path in results]
    sample = [stored(entry["md5"]) for path in listings for entry in json.loads(path.read_bytes())]
    wanted = {*needed, *listings, *sample}
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

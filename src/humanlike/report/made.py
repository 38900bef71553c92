"""How a run was made: settings, data, code, programs and machine, as names and values."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, get_args

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from humanlike import processor
from humanlike.params import ModelFile, Params

#: The packages whose version may change a figure.
PACKAGES = (
    "humanlike",
    "dlib-bin",
    "keras",
    "lime",
    "numpy",
    "opencv-python-headless",
    "openvino",
    "pandas",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "tensorflow",
)

#: What a run writes itself: changes there are no changes of what made it.
_RESULTS = ("dvc.lock", "metrics/", "plots/", "artifacts/")

#: Changed files that are named one by one.
_MOST_NAMED = 5


def how_made(root: Path, params: Params) -> dict[str, dict[str, object]]:
    """All of this module under headings, for `report.content.Content.made`."""
    return {
        "Data and code": {**data(root), **code(root)},
        "Machine": machine(),
        "Versions": versions(),
        **{f"Settings: {name}": values for name, values in settings(params).items()},
    }


def settings(params: Params) -> dict[str, dict[str, object]]:
    """Every parameter of the run by section: not those of networks and methods that it had not."""
    methods = set(get_args(type(params.explain).model_fields["method"].annotation))
    sections: dict[str, dict[str, object]] = {}
    for name, value in params.model_dump(by_alias=True).items():
        if name in methods and name != params.explain.method:
            continue
        section = value if isinstance(value, dict) else {name: value}
        heading = name if isinstance(value, dict) else "all"
        if name == "train":
            section = {
                **section,
                "optimisation": {n: section["optimisation"][n] for n in params.train.networks},
            }
        sections.setdefault(heading, {}).update(_flat(section))
    return sections


#: Methods of explanation as papers write them.
_METHOD_NAMES = {
    "lime": "LIME",
    "kernelshap": "KernelSHAP",
    "rise": "RISE",
    "cam": "CAM",
    "gradcam": "Grad-CAM",
    "gradcam++": "Grad-CAM++",
    "smoothgrad": "SmoothGrad",
    "extremal": "Extremal perturbation",
}


def method_name(key: str) -> str:
    """What people call a method of explanation."""
    return _METHOD_NAMES.get(key, key.replace("_", " ").capitalize())


def from_files(params: Params) -> list[str]:
    """The networks that others trained."""
    train = params.train
    return [n for n in train.networks if isinstance(train.optimisation[n], ModelFile)]


def remarks(params: Params) -> list[str]:
    """What to know of the networks before the answer: taught where to look, trained elsewhere."""
    train, guidance = params.train, params.train.guidance
    files = from_files(params)
    found = []
    if guidance.weight and len(files) < len(train.networks):
        regions = {"none": "the whole face"}.get(guidance.reference, guidance.reference)
        whose = "another expression's region" if guidance.permuted else "its region"
        found.append(
            f"The networks were taught where to look: in {guidance.weight:.0%} of the pictures "
            f"superpixels were hidden at random ({guidance.hidden}), and the label kept by the "
            f"share of {whose} ({regions}) that was still shown."
        )
    if files:
        found.append(
            f"{files[0]} came from a file, and was not trained here: whether it has seen these "
            "people before, nobody can tell."
            if len(files) == 1
            else f"{', '.join(files)} came from files, and were not trained here: whether they have"
            " seen these people before, nobody can tell."
        )
    return found


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found.update(_flat(value, f"{prefix}{key}."))
        else:
            listed = isinstance(value, list | tuple)
            found[prefix + key] = ", ".join(map(str, value)) if listed else value
    return found


def versions() -> dict[str, object]:
    """Python's version, and of each of `PACKAGES` that is installed."""
    found: dict[str, object] = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def data(root: Path) -> dict[str, object]:
    """What DVC calls the data: the hash in `data.dvc`."""
    try:
        (out, *_) = YAML(typ="safe", pure=True).load(root / "data.dvc")["outs"]
    except (OSError, YAMLError, UnicodeDecodeError, LookupError, TypeError, ValueError):
        return {"data": "unknown: there is no data.dvc"}
    return {
        "data": f"{out.get('md5', 'unknown')} ({out.get('nfiles', 'unknown')} files)",
    }


def code(root: Path) -> dict[str, object]:
    """The commit that is checked out, its date, and which tracked files were changed since."""
    commit = _git(root, "log", "-1", "--format=%H, %cs")
    if commit is None:
        return {"commit": "unknown: not a git repository"}
    status = _git(root, "status", "--porcelain", "--untracked-files=no") or ""
    changed = [line[3:] for line in status.splitlines() if not line[3:].startswith(_RESULTS)]
    named = ", ".join(changed[:_MOST_NAMED])
    more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
    return {"commit": commit.strip(), "changed since": f"{named}{more}" if changed else "nothing"}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def machine() -> dict[str, object]:
    """The processor and system, but no name of the machine or of who uses it."""
    return {
        "processor": processor.name(),
        "cores": os.cpu_count() or "unknown",
        "system": f"{platform.system()} {platform.machine()}",
    }

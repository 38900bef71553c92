"""Loaders of network files that keep what they loaded last."""

from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

Rest = ParamSpec("Rest")
Loaded = TypeVar("Loaded")


def keep_last(
    load: Callable[Concatenate[Path, Rest], Loaded],
) -> Callable[Concatenate[Path, Rest], Loaded]:
    """Have a loader return the same object when it is asked again for the last file.

    A file that was written since is loaded anew, and so is one of the same relative path in
    another working directory.
    """

    @lru_cache(maxsize=1)
    def kept(_file: tuple[Path, int | None], path: Path, *args, **kwargs) -> Loaded:  # type: ignore[no-untyped-def]
        return load(path, *args, **kwargs)

    @wraps(load)
    def asked(path: Path, *args: Rest.args, **kwargs: Rest.kwargs) -> Loaded:
        written = path.stat().st_mtime_ns if path.exists() else None
        return kept((Path.cwd(), written), path, *args, **kwargs)  # type: ignore[arg-type]

    return asked

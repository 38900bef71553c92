"""Where dlib's trained models lie."""

import functools
import importlib.util
from pathlib import Path

from humanlike.errors import HumanlikeError


@functools.cache
def model_path(name: str) -> str:
    """Path of a model file of the package `face_recognition_models`.

    The package is found, not imported: its `__init__` needs `pkg_resources`, which new setuptools
    lack. Its landmark model was trained on the iBUG 300-W photographs, whose licence excludes
    commercial use.

    Raises
    ------
    HumanlikeError
        If the package or the file is missing.
    """
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise HumanlikeError(
            "dlib's face models are missing: install them with"
            " `python -m pip install face_recognition_models`."
        )
    path = Path(spec.origin).parent / "models" / name
    if not path.is_file():
        raise HumanlikeError(
            f"{name} is missing from the package face_recognition_models: reinstall it with"
            " `python -m pip install --force-reinstall face_recognition_models`."
        )
    return str(path)

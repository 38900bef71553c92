"""Networks on disk, as Keras' own ``.keras`` archive."""

import json
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import keras

from humanlike.errors import HumanlikeError
from humanlike.networks.graphs import is_graph


def save(model: keras.Model, path: Path) -> None:
    """Write a network to a ``.keras`` file whose bytes depend on its layers and weights alone.

    Keras would add the date and, after training, the optimiser's state, which can be twice the
    size of the network.

    Parameters
    ----------
    model
        A functional model, trained or not.
    path
        The file to write, whole or not at all; its folder must exist.
    """
    bare = keras.Model(model.input, model.output, name=model.name)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".saving-") as folder:
        parts, archive = Path(folder, "parts"), Path(folder, "model.keras")
        keras.saving.save_model(bare, parts, zipped=False)
        (parts / "metadata.json").write_text(json.dumps({"keras_version": keras.__version__}))
        config = parts / "config.json"
        config.write_text(_numbered_by_order(config.read_text()))
        with zipfile.ZipFile(archive, "w") as target:
            for name in ("metadata.json", "config.json", "model.weights.h5"):
                # A ZipInfo made by hand carries no date; the weights may pass 2 GiB.
                with (
                    (parts / name).open("rb") as source,
                    target.open(zipfile.ZipInfo(name), "w", force_zip64=True) as part,
                ):
                    shutil.copyfileobj(source, part)
        archive.replace(path)


def _numbered_by_order(config: str) -> str:
    """Replace the memory addresses by which Keras marks shared objects with 0, 1, 2 …"""
    numbers: dict[str, int] = {}
    return re.sub(
        r'(?<="shared_object_id": )\d+',
        lambda address: str(numbers.setdefault(address[0], len(numbers))),
        config,
    )


def load(path: Path) -> keras.Model:
    """Read a network written by `save`, in Keras' safe mode: no code in the file is run.

    Returns
    -------
    keras.Model
        Ready to predict; compile it to train it further.

    Raises
    ------
    HumanlikeError
        If the file is missing, cut short, or not made of standard layers.
    """
    if is_graph(path):
        raise HumanlikeError(
            f"{path} came from ONNX or a SavedModel, which OpenVINO runs, without gradients; take a"
            " method that needs none, such as lime, or the network's file from Keras"
        )
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise HumanlikeError(
            f"{path} is not a network that can be loaded ({reason}); "
            "delete it and train that network again"
        ) from error

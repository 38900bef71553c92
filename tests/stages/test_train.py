"""What the stage asks of a training, and what it keeps of it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from humanlike import artifacts, processor, training
from humanlike.networks import files
from humanlike.stages import train

PARAMS = Path(__file__).parents[2] / "params.yaml"


@pytest.mark.parametrize(
    ("asked", "there", "expected"),
    [("auto", True, "bfloat16"), ("auto", False, "float32"), ("float32", True, "float32")],
)
def test_a_network_learns_in_the_precision_that_its_history_names(
    asked: str, there: bool, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = PARAMS.read_text()
    before, section = text.split("\ntrain:\n")
    section = re.sub(r"precision: \w+", f"precision: {asked}", section, count=1)
    section = re.sub(r"(weinet: .*?epochs:) \d+", r"\1 1", section, count=1)
    Path("params.yaml").write_text(f"{before}\ntrain:\n{section}")
    rng = np.random.default_rng(0)
    artifacts.FACES.mkdir(parents=True)
    np.save(artifacts.FACES / "images.npy", rng.integers(0, 256, (24, 80, 80), dtype=np.uint8))
    np.save(artifacts.FACES / "landmarks.npy", np.zeros((24, 68, 2), np.float32))
    labels = ["anger", "disgust", "fear", "happiness", "sadness", "surprise"] * 4
    table = pd.DataFrame({"face": range(24), "expression": labels, "fold": [0] * 6 + [1] * 18})
    artifacts.write_table(artifacts.FACES / "faces.csv", table)
    np.savez(artifacts.GUIDANCE, weight=0.0)
    monkeypatch.setattr(processor, "has_bfloat16", lambda: there)
    computed = []

    class Look(training._Progress):
        def on_train_begin(self, logs: Any = None) -> None:
            computed.extend({layer.compute_dtype for layer in self.model.layers[2:-1]})

    monkeypatch.setattr(training, "_Progress", Look)
    train.run("weinet", 0)
    assert computed == [expected]
    history = artifacts.read_table(artifacts.unit("history", "weinet", 0, ".csv"))
    assert history["precision"].tolist() == [expected]
    kept = files.load(artifacts.unit("models", "weinet", 0, ".keras"))
    assert {layer.compute_dtype for layer in kept.layers} == {"float32"}

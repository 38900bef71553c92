"""Do models of single observers become their own? Simulated observers, whose minds are known.

    python benchmarks/choices.py --observers 30 --spread 0.3

A small network learns drawn faces. Simulated observers, who weigh action units each in a way of
their own (`--spread`; 0: all alike), name faces between two expressions, and the stages
`hesitation` and `align` run on that with the published settings. Prints their metrics as JSON.
"""

import argparse
import itertools
import json
import os
import tempfile
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from keras import layers
from ruamel.yaml import YAML

from humanlike import artifacts, people_files, studies, training
from humanlike.boundaries import render
from humanlike.commands.simulate_choices import NOISE
from humanlike.expressions import EXPRESSIONS
from humanlike.faces.align import align as aligned
from humanlike.networks import files
from humanlike.people import trials as tables
from humanlike.people.observers import Rater, personal_weights
from humanlike.stages import align, hesitation
from humanlike.synthesis.action_units import DRAWN_UNITS, expression_action_units
from humanlike.synthesis.render import render as draw
from humanlike.synthesis.sample import seeded, subject_identity
from humanlike.synthesis.view import draw_view

ROOT = Path(__file__).parents[1]
SIZE = 48
SHARES = (0.5, 0.25, 0.75)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--observers", type=int, default=30)
    asked.add_argument("--spread", type=float, default=0.3)
    asked.add_argument("--people", type=int, default=6, help="drawn for each pair")
    asked.add_argument("--seed", type=int, default=0)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_params()
        faces, labels = write_faces(options.seed)
        train(faces, labels)
        made, units = write_stimuli(options.people, options.seed)
        write_choices(made, units, options)
        hesitation.run()
        align.run()
        told = {
            name: artifacts.read_json(people_files.METRICS / f"{name}.json")
            for name in ("hesitation", "align")
        }
        print(json.dumps(told, indent=2))


def write_params() -> None:
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    people = yaml.load(ROOT / "people" / "params.yaml")
    params["preprocess"]["folds"] = 5
    people["align"].update(networks=["weinet"], observers="all")
    for name in ("group", "individual"):
        people["align"][name]["epochs"] = 16
    Path("people").mkdir()
    for path, values in ("params.yaml", params), ("people/params.yaml", people):
        with Path(path).open("w") as file:
            yaml.dump(values, file)


def write_faces(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Drawn faces of 40 people, twice in every expression, aligned by their true landmarks."""
    rows, images, landmarks = [], [], []
    for person, expression, number in itertools.product(range(40), EXPRESSIONS, range(2)):
        rng = seeded(seed, 3000, person, EXPRESSIONS.index(expression), number)
        units = expression_action_units(expression, rng)
        face = draw(subject_identity(seed, person), units, draw_view(rng), 128)
        image, points = aligned(face.image, face.landmarks, SIZE)
        rows.append((len(rows), f"s{person}", expression, person % 5))
        images.append(image)
        landmarks.append(points)
    table = pd.DataFrame(rows, columns=["face", "subject", "expression", "fold"])
    artifacts.write_table(artifacts.FACES / "faces.csv", table)
    np.save(artifacts.FACES / "images.npy", np.array(images))
    np.save(artifacts.FACES / "landmarks.npy", np.array(landmarks))
    learned = (table["fold"] != 0).to_numpy()
    codes = table["expression"].map(EXPRESSIONS.index).to_numpy()
    return np.array(images)[learned], codes[learned]


def train(faces: np.ndarray, labels: np.ndarray) -> None:
    """A small network in the place of one of the pipeline's, so that the stages take it."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3))
    tensor = layers.Rescaling(1 / 127.5, offset=-1)(image)
    for channels in (16, 32, 32):
        tensor = layers.Conv2D(channels, 3, strides=2, padding="same", activation="relu")(tensor)
    tensor = layers.Dense(64, activation="relu")(layers.Flatten()(tensor))
    model = keras.Model(image, layers.Dense(6, activation="softmax")(tensor))
    training.fit(
        model, faces, labels, optimizer="adam", learning_rate=1e-3, epochs=40, batch_size=32, seed=0
    )
    path = artifacts.unit("models", "weinet", 0, ".keras")
    path.parent.mkdir(parents=True)
    files.save(model, path)


def write_stimuli(people: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    rows, units, images, landmarks = [], [], [], []
    for (first, second), person in itertools.product(
        itertools.combinations(EXPRESSIONS, 2), range(people)
    ):
        start = render.draw_start(seed, person, (first, second))
        for share in SHARES:
            moved = render.between(start, share)
            face = draw(start.identity, moved, start.view, 128)
            image, points = aligned(face.image, face.landmarks, SIZE)
            rows.append((f"{first}-{second}-{person}-{share}", first, second, person, share))
            units.append([moved[unit] for unit in DRAWN_UNITS])
            images.append(image)
            landmarks.append(points)
    table = pd.DataFrame(rows, columns=["stimulus", "first", "second", "person", "share"])
    network = files.load(artifacts.unit("models", "weinet", 0, ".keras"))
    p = training.predict(network, np.array(images))
    both = p[np.arange(len(p)), table["first"].map(EXPRESSIONS.index)]
    other = p[np.arange(len(p)), table["second"].map(EXPRESSIONS.index)]
    table = table.assign(
        generator="render",
        networks="weinet",
        target="alone",
        subject="drawn-" + table["person"].astype(str),
        found=both / (both + other),
        success=True,
        **{f"p_weinet_{label}": p[:, number] for number, label in enumerate(EXPRESSIONS)},
    )
    shown = pd.DataFrame(
        {
            "stimulus": table["stimulus"],
            "file": table["stimulus"] + ".png",
            "expression": table["first"],
            "other": table["second"],
            "subject": table["subject"],
            "kind": "render",
            "face": pd.array([pd.NA] * len(table), "Int64"),
        }
    )
    studies.write_stimuli(people_files.BOUNDARY, shown, np.array(images), np.array(landmarks))
    artifacts.write_table(people_files.BOUNDARY / "made.csv", table)
    return table, np.array(units)


def write_choices(made: pd.DataFrame, units: np.ndarray, options: argparse.Namespace) -> None:
    parts = []
    for number in range(options.observers):
        rng = np.random.default_rng([options.seed, number])
        weights = personal_weights(EXPRESSIONS, DRAWN_UNITS, options.spread, rng)
        responses, confidence = Rater(EXPRESSIONS, weights, NOISE).answer(units, rng)
        code = f"{tables.SIMULATED}{number + 1:02d}"
        parts.append(
            pd.DataFrame(
                {
                    "observer": code,
                    "session": code,
                    "trial": np.arange(1, len(units) + 1),
                    "task": "categorise",
                    "stimulus": made["stimulus"],
                    "left": "",
                    "right": "",
                    "response": responses,
                    "correct": "",
                    "rt": np.exp(0.7 * (1 - confidence)),
                    "confidence": confidence,
                }
            )
        )
    table = tables.typed(pd.concat(parts, ignore_index=True), tables.TRIALS, "choices")
    artifacts.write_bytes(
        people_files.BOUNDARY_DATA / "simulated.csv", tables.to_csv(table).encode()
    )


if __name__ == "__main__":
    main()

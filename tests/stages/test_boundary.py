"""From faces and networks to stimuli, choices and fine-tuned networks, with tiny networks."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers
from ruamel.yaml import YAML

from humanlike import artifacts, people_files, studies
from humanlike.boundaries import guided, morph, render
from humanlike.boundaries.seen import Judges, judge
from humanlike.commands.simulate_choices import simulate
from humanlike.errors import HumanlikeError
from humanlike.faces.detect import detector
from humanlike.networks import files
from humanlike.people import trials
from humanlike.stages import (
    align,
    boundary,
    diffusion,
    explain,
    hesitation,
    standardize,
    train,
)
from humanlike.synthesis.sample import draw_sample
from humanlike.training import fit, predict

ROOT = Path(__file__).parents[2]
LABELS = ["anger", "surprise"]
SIZE = 96


def small_network(images: np.ndarray, labels: np.ndarray, seed: int) -> keras.Model:
    """A small network that tells the two apart."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((48, 48, 3))
    tensor = layers.Rescaling(1 / 127.5, offset=-1)(image)
    for channels in (8, 16):
        tensor = layers.Conv2D(channels, 5, strides=3, activation="relu")(tensor)
    tensor = layers.Flatten()(tensor)
    model = keras.Model(image, layers.Dense(2, activation="softmax")(tensor))
    settings = {"optimizer": "adam", "learning_rate": 3e-3, "epochs": 25, "batch_size": 8}
    fit(model, images, labels, seed=seed, **settings)
    return model


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        yaml = YAML()
        params = yaml.load(ROOT / "params.yaml")
        params["expressions"] = LABELS
        params["preprocess"].update(size=SIZE, folds=2)
        params["train"].update(networks=["weinet", "songnet"], folds=[0])
        params["explain"]["runtime"] = "tensorflow"
        with Path("params.yaml").open("w") as file:
            yaml.dump(params, file)
        people = yaml.load(ROOT / "people" / "params.yaml")
        generators = ["render", "morph"]
        people["boundary"].update(
            generators=generators, number=3, targets=["alone"], shares=[0.5, 0.1]
        )
        people["align"].update(observers=2, least_trials=20, held_out=0.3, validation=0.2)
        people["align"]["group"]["epochs"] = 4
        people["hesitation"]["resamples"] = 100
        Path("people").mkdir()
        with Path("people/params.yaml").open("w") as file:
            yaml.dump(people, file)
        _faces()
        images = np.asarray(artifacts.read_array(artifacts.FACES / "images.npy"))
        expressions = artifacts.read_table(artifacts.FACES / "faces.csv")["expression"]
        labels = expressions.map(LABELS.index).to_numpy()
        for seed, network in enumerate(("weinet", "songnet")):
            path = artifacts.unit("models", network, 0, ".keras")
            path.parent.mkdir(parents=True)
            files.save(small_network(images, labels, seed), path)
    return folder


def _faces() -> None:
    sight = Judges([lambda x: np.zeros((len(x), 2))], lambda x: x[:, 0, 0], detector("auto"), SIZE)
    rows, images, landmarks = [], [], []
    for sample in draw_sample(subjects=12, images_per_expression=2, seed=5):
        if sample.expression in LABELS:
            seen = judge(sample.face.image, sight)
            number = len(rows)
            fold = int(sample.subject[1:]) % 2
            rows.append((number, "sample", sample.subject, sample.expression, fold, str(number)))
            images.append(seen.image)
            landmarks.append(seen.landmarks)
    columns = ["face", "dataset", "subject", "expression", "fold", "source"]
    artifacts.write_table(artifacts.FACES / "faces.csv", pd.DataFrame(rows, columns=columns))
    np.save(artifacts.FACES / "images.npy", np.array(images))
    np.save(artifacts.FACES / "landmarks.npy", np.array(landmarks))


@pytest.mark.slow
def test_from_networks_to_choices_and_back(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    # A few looks: whether a search finds what it looks for is for the generators' own tests.
    monkeypatch.setattr(render, "WAYS", 4)
    monkeypatch.setattr(render, "LOOKS", 12)
    monkeypatch.setattr(morph, "LOOKS", 6)
    monkeypatch.setattr(boundary, "MOST_PHOTOGRAPHS", 1)

    # A run that is killed goes on from its last chunk, and ends as one that was not.
    made, calls = boundary.make, []

    def dies(*arguments: object, **named: object) -> dict:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return made(*arguments, **named)

    monkeypatch.setattr(boundary, "make", dies)
    with pytest.raises(KeyboardInterrupt):
        boundary.run()
    boundary.run()
    assert len(calls) == 3 + 4  # two of six units were kept
    table, images, landmarks = studies.read_stimuli(people_files.BOUNDARY)
    trials.check_stimuli(table)
    assert set(table["kind"]) == {"render", "morph"}
    assert landmarks.shape == (len(images), 68, 2)
    first = (people_files.BOUNDARY / "made.csv").read_bytes()
    boundary.run()
    assert (people_files.BOUNDARY / "made.csv").read_bytes() == first
    assert not list(boundary.UNFINISHED.iterdir())

    tried = people_files.read_made()
    metrics = artifacts.read_json(boundary.METRICS)
    assert metrics["render"]["alone"]["weinet"]["boundary"] > 0.3
    assert metrics["morph"]["alone"]["weinet"]["tried"] == 6
    # What the table says of a stimulus is what the network says of its picture.
    network = files.load(artifacts.unit("models", "songnet", 0, ".keras"))
    row = {name: number for number, name in enumerate(table["stimulus"])}
    used = tried[tried["success"]]
    told = used[["p_songnet_anger", "p_songnet_surprise"]].to_numpy()
    asked = predict(network, images)[[row[name] for name in used["stimulus"]]]
    np.testing.assert_allclose(asked, told, atol=1e-4)

    # Until somebody chose there is nothing to tell, and nothing to learn.
    hesitation.run()
    align.run()
    assert artifacts.read_json(people_files.METRICS / "hesitation.json") == {"choices": 0}
    assert artifacts.read_json(people_files.METRICS / "align.json") == {}
    simulate(observers=3, seed=0, repeats=4)
    hesitation.run()
    told = artifacts.read_json(people_files.METRICS / "hesitation.json")
    assert told["observers"] == 3 and "boundary_entropy" in told

    align.run()
    found = artifacts.read_json(people_files.METRICS / "align.json")["weinet"]
    assert found["group"]["log_likelihood"] >= found["before"]["log_likelihood"] - 0.05
    agreement = artifacts.read_table(align.PLOTS / "agreement.csv")
    assert set(agreement["model"]) == {"before", "group", "simulated01", "simulated02"}
    entries = YAML().load(people_files.ALIGNED / "optimisation.yaml")
    entry = entries["weinet-group"]
    assert artifacts.digest(Path(entry["file"])) == entry["sha256"]
    again = predict(files.load(Path(entry["file"])), images)
    matrix = artifacts.read_table(align.PLOTS / "weinet.csv")
    assert list(matrix["model"]) == ["before", "group", "simulated01", "simulated02"]
    assert np.isfinite(again).all()

    # Copied as the file says, the main pipeline takes the network as any other.
    yaml, before = YAML(), Path("params.yaml").read_bytes()
    params = yaml.load(before)
    params["train"]["optimisation"].update(entries)
    params["train"].update(networks=list(entries), folds=[0])
    params["explain"].update(positives_per_class=1, checked_per_class=0)
    with Path("params.yaml").open("w") as file:
        yaml.dump(params, file)
    train.run("weinet-group", 0)
    explain.run("weinet-group", 0)
    standardize.run("weinet-group", 0)
    Path("params.yaml").write_bytes(before)
    faces = artifacts.read_table(artifacts.FACES / "faces.csv")
    held_out = artifacts.read_array(artifacts.FACES / "images.npy")[faces["fold"] == 0]
    said = artifacts.read_table(artifacts.unit("predictions", "weinet-group", 0, ".csv"))
    asked = predict(files.load(Path(entry["file"])), held_out)
    np.testing.assert_allclose(said[["p_anger", "p_surprise"]], asked, atol=1e-4)
    assert artifacts.unit("standardized", "weinet-group", 0, ".npz").is_file()


def test_an_observer_may_not_be_called_as_a_model(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    choices = pd.DataFrame({"observer": ["o1", "group"], "stimulus": ["a", "b"]})
    monkeypatch.setattr(studies, "read_stimuli", lambda _: (choices, None, None))
    monkeypatch.setattr(people_files, "read_boundary_choices", lambda _: choices)
    with pytest.raises(HumanlikeError, match="group are names of models"):
        align.run()


def test_sampling_needs_the_model_that_its_own_stage_fits(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    diffusion.run()
    assert people_files.DIFFUSION.stat().st_size == 0

    yaml = YAML()
    values = yaml.load(project / "people" / "params.yaml")
    values["boundary"].update(generators=["guided"], pairs=[LABELS], number=1, networks=["weinet"])
    values["diffusion"].update(size=16, components=4, width=8, steps=2, batch_size=2)
    path = project / "guided.yaml"
    with path.open("w") as file:
        yaml.dump(values, file)
    monkeypatch.setattr(
        "humanlike.people_params.load_section",
        lambda name, section: studies.load_section(name, section, path),
    )
    with pytest.raises(HumanlikeError, match="no model of faces to sample from"):
        boundary.run()
    diffusion.run()
    monkeypatch.setattr(guided, "NOISES", 1)
    seen = []
    generate = guided.generate

    def noted(*arguments: object) -> object:
        seen.append(arguments)
        return generate(*arguments)

    monkeypatch.setattr(guided, "generate", noted)
    # Of few components there are faces, and what they show is not for this test.
    try:
        boundary.run()
    except HumanlikeError as error:
        assert "none of 2 stimuli met its target" in str(error)
    assert [target.shares for _, target, _ in seen] == [(0.5,), (0.1,)]


def test_a_network_that_is_not_trained_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    yaml = YAML()
    values = yaml.load(project / "people" / "params.yaml")
    values["boundary"]["networks"] = ["vgg16"]
    values["boundary"]["targets"] = ["alone"]
    monkeypatch.setattr(studies, "PARAMS", project / "other.yaml")
    with (project / "other.yaml").open("w") as file:
        yaml.dump(values, file)
    section = studies.load_section("boundary", boundary.Boundary, project / "other.yaml")
    monkeypatch.setattr("humanlike.people_params.load_section", lambda *_: section)
    with pytest.raises(HumanlikeError, match=r"vgg16 is not in train\.networks"):
        boundary.run()

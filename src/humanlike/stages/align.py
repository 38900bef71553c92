"""Fine-tune networks on people's choices, for all people together and for each alone.

Every fine-tuned network is kept as soon as it is done, so that a run that was killed goes on from
the next.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from humanlike import artifacts, cluster, people_files, people_params, studies
from humanlike.errors import HumanlikeError
from humanlike.params import Params, load
from humanlike.people import fitting
from humanlike.people_params import Align, Rates
from humanlike.progress import bar

UNFINISHED = artifacts.ARTIFACTS / "unfinished"
FOLDER = re.compile(r"align-[0-9a-f]{16}")
PLOTS = people_files.PLOTS / "align"

#: The names of models that are nobody's own.
BEFORE, GROUP = "before", "group"


class Study(NamedTuple):
    """Choices, and the stimuli that they are about."""

    names: list[str]  #: the stimuli's
    images: NDArray[np.uint8]  #: (N, S, S), theirs
    trials: pd.DataFrame
    parts: dict[str, NDArray[np.str_]]  #: as `fitting.split`

    def of(self, part: str) -> pd.DataFrame:
        """The choices about the stimuli of a part."""
        return self.trials[self.trials["stimulus"].isin(self.parts[part])]


def run() -> None:
    """Write the fine-tuned networks, and what they foretell of choices that they never saw.

    Raises
    ------
    HumanlikeError
        There are too few stimuli, or no network's file.
    """
    params = load()
    settings = people_params.align(params)
    artifacts.fresh(people_files.ALIGNED)
    artifacts.fresh(PLOTS)
    study = read_study(settings)
    if study is None:
        people_files.write_metrics("align", {})
        return
    known, few = fitting.enough(study.of("learned"), settings.least_trials)
    for observer in few:
        print(
            f"align: {observer} is skipped, with fewer than {settings.least_trials} choices to "
            "learn from",
            file=sys.stderr,
        )
    chosen = known if settings.observers == "all" else known[: settings.observers]
    folder = UNFINISHED / f"align-{fingerprint(params, settings, study.trials)}"
    rows, metrics = [], {}
    for network in settings.networks:
        work = Work(network, params, settings, study, folder)
        work.fit(chosen)
        table, found = scored(work, study, settings.seed)
        rows.append(table)
        metrics[network] = {**found, "skipped": len(few)}
        work.save()
    artifacts.write_table(PLOTS / "agreement.csv", pd.concat(rows))
    artifacts.write_table(PLOTS / "skipped.csv", pd.DataFrame({"observer": few}, dtype=str))
    people_files.write_metrics("align", metrics)
    write_entries(params, settings)
    for old in UNFINISHED.glob("align-*"):
        if FOLDER.fullmatch(old.name):
            shutil.rmtree(old)


def read_study(settings: Align) -> Study | None:
    """Read the stimuli and the choices, and part the stimuli; None where nobody chose.

    Raises
    ------
    HumanlikeError
        An observer has the name of a model, or there are too few stimuli.
    """
    stimuli, images, _ = studies.read_stimuli(people_files.BOUNDARY)
    trials = people_files.read_boundary_choices(stimuli)
    if trials.empty:
        return None
    if trials["observer"].isin([BEFORE, GROUP]).any():
        raise HumanlikeError(
            f"{people_files.BOUNDARY_DATA}: {BEFORE} and {GROUP} are names of models; give the "
            "observer another code"
        )
    shown = list(trials["stimulus"].unique())
    try:
        parts = fitting.split(shown, settings.held_out, settings.validation, settings.seed)
    except ValueError as error:
        raise HumanlikeError(f"align: {error}") from None
    return Study(list(stimuli["stimulus"]), images, trials, parts)


def scored(work: Work, study: Study, seed: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """What a network's models foretell of choices about stimuli that none of them saw.

    Returns
    -------
    DataFrame
        A row for each model: network, model, `fitting.Agreement` and original_accuracy, which is on
        the faces that the network never saw. The matrix is written.
    dict
        The metrics.
    """
    tested = study.of("held_out").reset_index(drop=True)
    models, kept = work.probabilities(), work.kept
    rows = {
        name: {
            **fitting.agreement(tested, probabilities)._asdict(),
            "original_accuracy": kept[name],
        }
        for name, probabilities in models.items()
    }
    matrix = fitting.matrix(tested, models)
    artifacts.write_table(PLOTS / f"{work.network}.csv", matrix.rename_axis("model").reset_index())
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model").reset_index()
    table.insert(0, "network", work.network)
    return table, {
        BEFORE: rows[BEFORE],
        GROUP: rows[GROUP],
        "epoch": work.epochs,
        "personal": fitting.personal(matrix, GROUP, seed)._asdict(),
        "observers": len(models) - 2,
        "held_out": {"stimuli": len(study.parts["held_out"]), "choices": len(tested)},
    }


class Work:
    """One network, before and after."""

    def __init__(
        self, network: str, params: Params, settings: Align, study: Study, folder: Path
    ) -> None:
        self.network, self.params, self.settings, self.study = network, params, settings, study
        self.folder = folder / network
        self.model = artifacts.unit("models", network, settings.fold, ".keras")
        if not self.model.is_file():
            raise HumanlikeError(f"{self.model}: no such file; `dvc repro` makes it")
        faces = artifacts.read_table(artifacts.FACES / "faces.csv")
        self.faces = artifacts.read_array(artifacts.FACES / "images.npy")
        self.labels = faces["expression"].map(params.labels.index).to_numpy()
        held_out = (faces["fold"] == settings.fold).to_numpy()
        self.original, self.tested = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        self.found: dict[str, dict[str, NDArray[Any]]] = {}

    def fit(self, observers: list[str]) -> None:
        """Fit the group's model, and from it each observer's."""
        self._done(BEFORE, self.model, None)
        self._done(GROUP, self.model, self.settings.group)
        group = self.folder / "group.keras"
        with artifacts.whole(group) as temporary:
            temporary.write_bytes(self.found[GROUP]["model"].tobytes())
        paths = [self._path(observer) for observer in observers]
        todo = [number for number, path in enumerate(paths) if not path.exists()]
        with bar(
            total=len(observers),
            initial=len(observers) - len(todo),
            title=f"align {self.network}",
            unit="observer",
        ) as progress:
            for number, arrays in cluster.run(
                tune, group, todo, lambda n: self._task(observers[n], self.settings.individual)
            ):
                artifacts.write_arrays(paths[number], **arrays)
                progress.update()
        for observer, path in zip(observers, paths, strict=True):
            self.found[observer] = artifacts.read_arrays(path)

    def _done(self, name: str, model: Path, rates: Rates | None) -> None:
        path = self._path(name)
        if not path.exists():
            artifacts.write_arrays(path, **tune(model, **self._task(name, rates)))
        self.found[name] = artifacts.read_arrays(path)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"

    def _task(self, name: str, rates: Rates | None) -> dict[str, Any]:
        """What `tune` needs for a model: its mixture of choices and original labels."""
        study = self.study
        told: dict[str, Any] = {
            "asked": np.asarray(study.images),
            "tested": np.asarray(self.faces[self.tested]),
            "fit": None,
        }
        if rates is None:
            return told
        learned, checked = study.of("learned"), study.of("validation")
        rng = np.random.default_rng(
            [self.settings.seed, *hashlib.sha256(f"{self.network}/{name}".encode()).digest()[:8]]
        )
        everybody = name == GROUP
        own = learned if everybody else learned[learned["observer"] == name]
        other = learned[:0] if everybody else learned[learned["observer"] != name]
        checked = checked if everybody else checked[checked["observer"] == name]
        shares = (0, 1) if everybody else (0.5, 0.5)
        group, original = fitting.mixture(len(own), [len(other), len(self.original)], shares, rng)
        choices = pd.concat([own, other.iloc[group]])
        faces = self.original[original]
        row = {stimulus: number for number, stimulus in enumerate(study.names)}
        index = self.params.labels.index
        shown, rows = np.unique(faces, return_inverse=True)
        told["fit"] = {
            "images": np.concatenate([study.images, self.faces[shown]]),
            "rows": np.concatenate([choices["stimulus"].map(row), len(study.images) + rows]),
            "labels": np.concatenate([choices["response"].map(index), self.labels[faces]]),
            "validation_rows": checked["stimulus"].map(row).to_numpy(np.int64),
            "validation_labels": checked["response"].map(index).to_numpy(np.int64),
            "seed": int(rng.integers(2**31)),
            "rates": rates.model_dump(),
            "title": f"align {self.network} {name}",
        }
        return told

    def probabilities(self) -> dict[str, pd.DataFrame]:
        """What every model says of every stimulus."""
        labels = self.params.labels
        return {
            name: pd.DataFrame(arrays["asked"][:, : len(labels)], self.study.names, labels)
            for name, arrays in self.found.items()
        }

    @property
    def kept(self) -> dict[str, float]:
        """Each model's accuracy on the faces that the network never saw."""
        return {
            name: float((arrays["tested"].argmax(axis=1) == self.labels[self.tested]).mean())
            for name, arrays in self.found.items()
        }

    @property
    def epochs(self) -> dict[str, float]:
        """After which epoch the models were best: the group's, and the individuals' mean."""
        own = [
            int(arrays["epoch"])
            for name, arrays in self.found.items()
            if name not in (BEFORE, GROUP)
        ]
        return {
            GROUP: int(self.found[GROUP]["epoch"]),
            "individual": float(np.mean(own)) if own else np.nan,
        }

    def save(self) -> None:
        """Write the models of the group and of each observer."""
        for name, arrays in self.found.items():
            if name != BEFORE:
                path = people_files.ALIGNED / self.network / f"{name}.keras"
                artifacts.write_bytes(path, arrays["model"].tobytes())


def tune(
    model: Path,
    asked: NDArray[np.uint8],
    tested: NDArray[np.uint8],
    fit: dict[str, Any] | None,
) -> dict[str, NDArray[Any]]:
    """Fine-tune a network, and ask it; without `fit` only ask.

    Returns
    -------
    dict of arrays
        model: the bytes of its file, uint8. epoch: which was best, 0 being the one before. asked,
        tested: probabilities (n, classes) float32 of the images of these names.
    """
    from humanlike import training
    from humanlike.networks import files

    network = files.load(model)
    epoch, content = 0, b""
    if fit is not None:
        images = fit["images"]
        # Of a share of the stimuli an observer may have seen none: then the last epoch is taken.
        checked = len(fit["validation_rows"]) > 0
        history = training.fit(
            network,
            images,
            fit["labels"],
            rows=fit["rows"],
            seed=fit["seed"],
            validation=(images[fit["validation_rows"]], fit["validation_labels"])
            if checked
            else None,
            keep_best=checked,
            progress=fit["title"],
            **fit["rates"],
        )
        best = int(history["val_loss"].to_numpy().argmin()) if checked else -1
        epoch = int(history["epoch"].iloc[best])
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "model.keras")
            files.save(network, path)
            content = path.read_bytes()
    return {
        "model": np.frombuffer(content, np.uint8),
        "epoch": np.array(epoch),
        "asked": training.predict(network, asked),
        "tested": training.predict(network, tested),
    }


def write_entries(params: Params, settings: Align) -> None:
    """Write what `train.optimisation` needs to have the fine-tuned networks explained."""
    entries = {
        f"{network}-{path.stem}": {
            "file": str(path),
            "sha256": artifacts.digest(path),
            "classes": params.labels,
            "input": "0..255",
        }
        for network in settings.networks
        for path in sorted((people_files.ALIGNED / network).glob("*.keras"))
    }
    told = CommentedMap(entries)
    told.yaml_set_start_comment(
        "For train.optimisation of params.yaml; their names go into train.networks. All folds but\n"
        f"{settings.fold} they have learned from: set train.folds to [{settings.fold}]."
    )
    with artifacts.whole(people_files.ALIGNED / "optimisation.yaml") as temporary:
        YAML().dump(told, temporary)


def fingerprint(params: Params, settings: Align, trials: pd.DataFrame) -> str:
    """Name all that the models depend on."""
    digest = hashlib.sha256()
    models = [
        artifacts.unit("models", network, settings.fold, ".keras") for network in settings.networks
    ]
    for path in (
        *[model for model in models if model.is_file()],
        artifacts.FACES / "images.npy",
        people_files.BOUNDARY / "images.npy",
    ):
        digest.update(artifacts.digest(path).encode())
    digest.update(json.dumps([settings.model_dump(), params.labels]).encode())
    digest.update(trials.to_csv().encode())
    return digest.hexdigest()[:16]

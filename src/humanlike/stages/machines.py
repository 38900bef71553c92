"""The people's question to one network: the same pictures, the same two words to choose from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike import artifacts, people_files
from humanlike.errors import HumanlikeError
from humanlike.networks.inputs import network_images
from humanlike.params import load
from humanlike.people import trials as tables
from humanlike.people.discs import covered, hidden_after
from humanlike.people.trials import CLICKS, TRIAL_KEY, TRIALS
from humanlike.people_files import Stimuli
from humanlike.progress import bar

#: Pictures that a network is asked about at once.
_AT_ONCE = 256


def run(network: str, fold: int) -> None:
    """Write what a network chooses after each click of each trial.

    A network answers only the trials with faces of its own held-out fold, and those with stimuli
    that are no face of the data.

    Raises
    ------
    HumanlikeError
        The network or fold is not in params.yaml, an input is missing or damaged, or an expression
        that was offered is none that the networks know.
    """
    params = load()
    params.check_unit(network, fold)
    shown = people_files.stimuli()
    trials = tables.read(people_files.CHOICES / "trials.csv", TRIALS)
    clicks = tables.read(people_files.CHOICES / "clicks.csv", CLICKS)
    faces = artifacts.read_table(artifacts.FACES / "faces.csv")
    of_fold = shown.of(trials, "face").map(faces["fold"])
    asked = trials[of_fold.isna() | (of_fold == fold)]
    offered = set(asked["left"]) | set(asked["right"]) | set(shown.of(asked, "expression"))
    for label in sorted(offered - {""} - set(params.labels)):
        raise HumanlikeError(
            f"people were offered {label}, which the networks do not know; name it in expressions "
            "of params.yaml and train them again"
        )
    rows = choices(
        artifacts.unit("models", network, fold, ".keras"),
        asked,
        clicks,
        shown,
        params.labels,
        f"machines {network} fold {fold}",
    )
    artifacts.write_table(people_files.MACHINES / network / f"fold{fold}.csv", rows)


def choices(
    model: Any,
    trials: pd.DataFrame,
    clicks: pd.DataFrame,
    shown: Stimuli,
    labels: list[str],
    title: str,
) -> pd.DataFrame:
    """What the network of a file chooses of each picture.

    Returns
    -------
    DataFrame
        A row for each trial and number of clicks: `TRIAL_KEY`, after (clicks; the last is what the
        observer saw when answering; 0 alone for whole faces), response, correct, and share: the
        probability of the true expression among those offered.
    """
    from humanlike.explainers import runtimes

    predictor = runtimes.load(model, "openvino", "float32")
    truth = shown.of(trials, "expression")
    parts = []
    with bar(total=len(trials), title=title, unit="trial") as progress:
        for rows, images, after in _batches(trials, clicks, shown):
            seen = network_images(images, predictor.size)
            whole = np.zeros(seen.shape, np.uint8), np.ones((len(seen), 1, 1), np.uint8)
            found = predictor.probabilities(seen, *whole)[:, 0, : len(labels)]
            asked = trials.iloc[rows]
            open_to = _offered(asked, labels)
            found = np.where(open_to, found, 0).astype(float)
            right = truth.iloc[rows].map(labels.index).to_numpy(int)
            chosen = np.where(open_to, found, -1).argmax(axis=1)
            total = found.sum(axis=1)
            share = found[np.arange(len(rows)), right]
            part = asked[TRIAL_KEY].reset_index(drop=True)
            part["after"] = after
            part["response"] = np.array(labels)[chosen]
            part["correct"] = (chosen == right).astype(int)
            even = 1 / open_to.sum(axis=1)
            part["share"] = np.divide(share, total, out=even, where=total > 0).round(6)
            parts.append(part)
            progress.update(int((after == 0).sum()))
    columns = [*TRIAL_KEY, "after", "response", "correct", "share"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _batches(
    trials: pd.DataFrame, clicks: pd.DataFrame, shown: Stimuli
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]]:
    """Whole trials, about `_AT_ONCE` pictures together: their row, pictures, and clicks so far."""
    in_order = clicks.sort_values([*TRIAL_KEY, "order"], kind="stable")
    discs = {
        key: group[["x", "y", "radius"]].to_numpy(float)
        for key, group in in_order.groupby(TRIAL_KEY, sort=False)
    }
    rows: list[NDArray] = []
    pictures: list[NDArray] = []
    after: list[NDArray] = []
    row_of = shown.rows
    keys = trials[[*TRIAL_KEY, "task", "stimulus"]].itertuples(index=False, name=None)
    for row, (*key, task, stimulus) in enumerate(keys):
        face = shown.images[row_of[stimulus]]
        if task == "uncover":
            made = discs.get(tuple(key), np.zeros((0, 3)))
            seen = np.stack([covered(face, 1 - h) for h in hidden_after(made, shown.side)])
        else:
            seen = np.asarray(face)[None]
        pictures.append(seen)
        rows.append(np.full(len(seen), row))
        after.append(np.arange(len(seen)))
        if sum(map(len, pictures)) >= _AT_ONCE or row == len(trials) - 1:
            yield np.concatenate(rows), np.concatenate(pictures), np.concatenate(after)
            rows, pictures, after = [], [], []


def _offered(trials: pd.DataFrame, labels: list[str]) -> NDArray[np.bool_]:
    """Which of the labels each trial offered (n, labels)."""
    pairs = trials[["left", "right"]].to_numpy(str)
    named = (pairs[:, :, None] == np.array(labels)).any(axis=1)
    return named | (pairs[:, :1] == "")

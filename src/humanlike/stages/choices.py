"""People's data to checked tables, to maps of their attention, and to how they choose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike import artifacts, figures, people_files, people_params
from humanlike.canonical.masks import ekman_mask
from humanlike.errors import HumanlikeError
from humanlike.expressions import EXPRESSIONS, LABELS
from humanlike.people import behaviour, clicks, hesitation, readers
from humanlike.people.trials import TRIAL_KEY, to_csv
from humanlike.people_files import Stimuli, Study
from humanlike.people_params import Choices, Table

DIGITS = 4


def run() -> None:
    """Write the trials, the attention maps, and what people's choices say.

    Raises
    ------
    HumanlikeError
        There are no data, or a row of them is broken.
    """
    params = people_params.choices()
    shown = people_files.stimuli()
    study = people_files.read_study(
        people_files.DATA, shown, [table.file for table in params.tables]
    )
    published = {table.file: of_table(table) for table in params.tables}
    if study.trials.empty and not published:
        raise HumanlikeError(f"{people_files.DATA}: no file has the columns of trials")
    folder = artifacts.fresh(people_files.CHOICES)
    artifacts.fresh(people_files.PLOTS / "choices")
    artifacts.write_bytes(folder / "trials.csv", to_csv(study.trials).encode())
    artifacts.write_bytes(folder / "clicks.csv", to_csv(study.clicks).encode())
    metrics: dict[str, Any] = {
        "simulated": study.simulated,
        "observers": int(study.trials["observer"].nunique()),
        "trials": len(study.trials),
    }
    if len(study.trials):
        metrics |= decide(study, shown, params)
    metrics |= look(study, shown, params)
    if published:
        metrics["published"] = {
            table.file.removesuffix(".csv"): of_votes(table, published[table.file], params.seed)
            for table in params.tables
        }
    people_files.write_metrics("choices", metrics)


def decide(study: Study, shown: Stimuli, params: Choices) -> dict[str, Any]:
    """Write how each observer and each stimulus fared, and give the figures that decide."""
    plots = people_files.PLOTS / "choices"
    trials = study.trials
    table = behaviour.by_observer(trials, shown.of(trials, "expression"))
    n_clicks = clicks_of(study).groupby(trials["observer"]).mean()
    table["clicks"] = table["observer"].map(n_clicks)
    artifacts.write_table(plots / "observers.csv", table.round(DIGITS))
    counts = behaviour.choice_counts(trials, LABELS)
    stimuli = counts.assign(answers=counts.sum(axis=1), entropy=behaviour.entropy(counts))
    artifacts.write_table(plots / "stimuli.csv", stimuli.round(DIGITS).reset_index())
    right = first_answers(trials)
    kappa, low, high = behaviour.group_consistency(right, params.resamples, params.seed)
    return {
        "percent_correct": known(table["percent_correct"].mean()),
        "dprime": known(table["dprime"].mean()),
        "clicks": known(n_clicks.mean()),
        "consistency": {"kappa": known(kappa), "low": known(low), "high": known(high)},
    }


def look(study: Study, shown: Stimuli, params: Choices) -> dict[str, Any]:
    """Write the attention maps, and give how reliable they are; nothing without uncovered faces."""
    trials = study.trials[study.trials["task"] == "uncover"]
    weighting = params.attention
    maps = clicks.trial_maps(
        trials,
        study.clicks,
        dict(zip(shown.table["stimulus"], shown.landmarks, strict=True)),
        shown.side,
        weighting,
    )
    truth = shown.of(trials, "expression").to_numpy(str)
    other = np.where(truth == trials["left"], trials["right"], trials["left"])
    observers = trials["observer"].to_numpy(str)
    if weighting == "gain":
        gain(maps, observers, truth, trials["correct"].to_numpy(int))
    rows, group_maps = [], {}
    cells = [(label, "") for label in LABELS] + sorted(set(zip(truth, other, strict=True)))
    for label, against in cells:
        chosen = (truth == label) & ((other == against) | (against == ""))
        if not chosen.any():
            continue
        each = clicks.observer_maps(maps[chosen], observers[chosen])
        ceiling = clicks.noise_ceiling(each)
        reliable = clicks.split_half(each, seed=params.seed)
        group_maps[label, against] = each.mean(axis=0)
        rows.append((label, against, len(each), int(chosen.sum()), reliable, *ceiling))
    columns = ["expression", "against", "observers", "trials", "reliability", "lower", "upper"]
    table = pd.DataFrame(rows, columns=columns)
    artifacts.write_table(people_files.PLOTS / "choices" / "attention.csv", table.round(DIGITS))
    artifacts.write_arrays(
        people_files.CHOICES / "attention.npz",
        # Half precision: three digits, as many as the maps have, in half the room.
        trial_maps=maps.astype(np.float16),
        trial=trials.index.to_numpy(np.int64),
        cells=np.array(list(group_maps), str).reshape(-1, 2),
        maps=np.array([clicks.from_grid(m) for m in group_maps.values()], np.float32).astype(
            np.float16
        ),
    )
    picture = draw({label: m for (label, against), m in group_maps.items() if not against}, study)
    artifacts.write_bytes(people_files.PLOTS / "choices" / "attention.png", picture)
    whole = table[table["against"] == ""]
    names = ("reliability", "lower", "upper")
    found = {name: known(whole[name].mean()) for name in names}
    return {"attention": found} if len(whole) else {}


def gain(
    maps: NDArray[np.float32],
    observers: NDArray[np.str_],
    truth: NDArray[np.str_],
    correct: NDArray[np.int_],
) -> None:
    """Turn each trial's map into its share of its observer's classification image, in place."""
    for observer in np.unique(observers):
        for label in np.unique(truth):
            rows = (observers == observer) & (truth == label)
            if rows.any():
                maps[rows] = clicks.gains(maps[rows], correct[rows])


def clicks_of(study: Study) -> pd.Series:
    """How many clicks each trial of the task uncover took."""
    counts = study.clicks.groupby(TRIAL_KEY).size()
    trials = study.trials[study.trials["task"] == "uncover"]
    found = counts.reindex(pd.MultiIndex.from_frame(trials[TRIAL_KEY]), fill_value=0).to_numpy()
    return pd.Series(found, trials.index, dtype=float)


def first_answers(trials: pd.DataFrame) -> NDArray[np.float64]:
    """Whether each observer was right on each stimulus at first (O, S); NaN where not asked."""
    table = trials[trials["correct"].notna()]
    return (
        table.groupby(["observer", "stimulus"])["correct"]
        .first()
        .unstack()
        .astype(float)
        .to_numpy()
    )


def of_table(table: Table) -> pd.DataFrame:
    """A published table as trials."""
    path = people_files.DATA / table.file
    found, source = people_files.read_published(path), str(path)
    if table.layout == "wide":
        assert table.stimulus is not None
        return readers.read_wide(
            found, source, table.stimulus, table.raters, table.answers, table.truth
        )
    if table.layout == "counts":
        assert table.stimulus is not None
        return readers.read_counts(found, source, table.stimulus, table.counts, table.truth)
    return readers.read_long(found, source, table.columns, table.answers, table.milliseconds)


def of_votes(table: Table, trials: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Write the choices of a published table, stimulus by stimulus; give what they say."""
    counts = behaviour.choice_counts(trials, LABELS)
    told = hesitation.analyse(trials, LABELS, seed=seed)
    each = told.stimuli.rename(columns={"choices": "answers", "modal": "modal_share"})
    each = counts.join(each[["answers", "entropy", "modal_share"]]).round(DIGITS)
    name = table.file.removesuffix(".csv").replace("/", "_")
    artifacts.write_table(people_files.PLOTS / "choices" / f"{name}.csv", each.reset_index())
    metrics, unsaid = told.metrics, told.unsaid
    if table.layout == "counts":
        # A vote's number is nobody's code.
        del metrics["observers"], metrics["individuality"]
        unsaid = [line for line in unsaid if not line.startswith("individual differences")]
        unsaid.append("individual differences: the table does not say who chose what")
    right = trials["correct"].astype("float64").mean()
    return {**metrics, "percent_correct": known(right), "unsaid": unsaid}


def draw(maps: dict[str, NDArray[np.float64]], study: Study) -> bytes:
    """The maps over a line drawing of the face, the Ekman masks outlined."""
    if not maps:
        return figures.png(figures.note("nobody uncovered a face"))
    who = "simulated" if study.simulated else "people"
    pictures = {
        (who, label): figures.heatmap_over_face(
            np.maximum(clicks.from_grid(found), 0),
            None,
            ekman_mask(label) if label in EXPRESSIONS else None,
        )
        for label, found in maps.items()
    }
    return figures.png(figures.heatmap_grid(pictures))


def known(value: float) -> float | None:
    """A figure for JSON, which has no NaN."""
    return None if np.isnan(value) else round(float(value), DIGITS)

"""Networks beside people in the same trials, and explanations beside where people look."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike import artifacts, figures, people_files, people_params
from humanlike.alignment.chance import centred_ellipse
from humanlike.alignment.intervals import interval, jackknife_error
from humanlike.alignment.table import mean_maps
from humanlike.canonical.geometry import HEIGHT, WIDTH
from humanlike.canonical.masks import ekman_mask
from humanlike.expressions import EXPRESSIONS
from humanlike.params import Params, load
from humanlike.people import behaviour, clicks, psychometric
from humanlike.people import trials as tables
from humanlike.people.figures import agreement as agreement_figure
from humanlike.people.trials import CLICKS, TRIAL_KEY, TRIALS
from humanlike.people_files import Stimuli
from humanlike.people_params import Compare

DIGITS = 4

#: Share of right answers whose number of clicks is told: half-way from chance to all.
_LEVEL = 0.75

#: Columns of `networks.csv`.
COLUMNS = (
    *("who", "trials", "percent_correct", "dprime", "clicks", "clicks_at_75"),
    *("consistency", "consistency_low", "consistency_high", "least", "greatest"),
    *("difference", "difference_low", "difference_high"),
)


def run() -> None:
    """Write who is better, who errs alike, and whose maps are nearest to people's."""
    params, compare = load(), people_params.compare()
    shown = people_files.stimuli()
    trials = tables.read(people_files.CHOICES / "trials.csv", TRIALS)
    plots = artifacts.fresh(people_files.PLOTS / "compare")
    simulated = bool(trials["observer"].str.startswith(people_files.SIMULATED).any())

    networks = of_networks(trials, shown, params, compare)
    artifacts.write_table(plots / "networks.csv", networks.round(DIGITS))
    attention = artifacts.read_arrays(people_files.CHOICES / "attention.npz")
    maps = candidates(params)
    agreement = of_maps(maps, attention, trials, shown, compare)
    explained = agreement["map"].isin(params.train.networks)
    agreement.insert(1, "method", np.where(explained, params.explain.method, ""))
    artifacts.write_table(plots / "agreement.csv", agreement.round(DIGITS))
    artifacts.write_bytes(plots / "agreement.png", draw(agreement, simulated))

    mean = agreement[agreement["expression"] == "mean"].set_index("map")
    metrics: dict[str, Any] = {"simulated": simulated, "method": params.explain.method}
    for row in networks.to_dict("records"):
        figures_of = {name: known(row[name]) for name in ("percent_correct", "dprime", "clicks")}
        if row["who"] != "people":
            figures_of["consistency"] = known(row["consistency"])
            if row["who"] in mean.index:
                figures_of["agreement"] = known(mean.loc[row["who"], "agreement"])
        metrics[row["who"]] = figures_of
    if len(mean):
        metrics["ceiling"] = {name: known(mean[name].iloc[0]) for name in ("lower", "upper")}
    artifacts.write_json(people_files.METRICS / "compare.json", metrics)


def of_networks(
    trials: pd.DataFrame, shown: Stimuli, params: Params, compare: Compare
) -> pd.DataFrame:
    """People and each network in the trials that the network answered.

    Returns
    -------
    DataFrame
        A row for people and each network, of `COLUMNS`: percent_correct (0 to 1) and dprime are
        means over observers and pairs; clicks of people the mean until the answer, of networks see
        `needed`; clicks_at_75 as `clicks_at`; consistency is error consistency with people, least
        and greatest its bounds; difference is log odds of being right, against people.
    """
    truth = shown.of(trials, "expression")
    known_clicks = tables.read(people_files.CHOICES / "clicks.csv", CLICKS)
    counts = known_clicks.groupby(TRIAL_KEY).size()
    index = pd.MultiIndex.from_frame(trials[TRIAL_KEY])
    n_clicks = counts.reindex(index, fill_value=0).to_numpy(float)
    uncover = (trials["task"] == "uncover").to_numpy()
    people = {
        "who": "people",
        "trials": len(trials),
        **performance(trials, truth),
        "clicks": n_clicks[uncover].mean() if uncover.any() else np.nan,
    }
    rows = [people]
    for network in params.train.networks:
        parts = [
            artifacts.read_table(people_files.MACHINES / network / f"fold{fold}.csv")
            for fold in params.train.folds
        ]
        answers = pd.concat(parts, ignore_index=True)
        rows.append({"who": network, **of_network(answers, trials, truth, compare)})
    return pd.DataFrame(rows, columns=COLUMNS)


def of_network(
    answers: pd.DataFrame, trials: pd.DataFrame, truth: pd.Series, compare: Compare
) -> dict[str, Any]:
    """One network's row of `of_networks`; see `stages.machines.choices` for `answers`."""
    last = answers.groupby(TRIAL_KEY, sort=False).tail(1)
    theirs = trials.reset_index(names="row").merge(
        last[[*TRIAL_KEY, "after", "response", "correct"]], on=TRIAL_KEY, suffixes=("", "_network")
    )
    if theirs.empty:
        return {"trials": 0}
    as_trials = theirs.assign(
        response=theirs["response_network"], correct=theirs["correct_network"].astype("Int64")
    )
    own_truth = truth.loc[theirs["row"]].set_axis(theirs.index)
    asked = theirs["correct"].notna().to_numpy()
    right = theirs.loc[asked, "correct"].to_numpy(int)
    machine = theirs.loc[asked, "correct_network"].to_numpy(int)
    observers, stimuli = (
        theirs.loc[asked, name].to_numpy(str) for name in ("observer", "stimulus")
    )
    found: dict[str, Any] = {
        "trials": len(theirs),
        **performance(as_trials, own_truth),
        "clicks": needed(answers),
        "clicks_at_75": clicks_at(answers),
    }
    if not asked.any():
        return found
    consistency = behaviour.mean_consistency(
        right, machine, observers, stimuli, compare.resamples, compare.seed
    )
    bounds = behaviour.error_consistency(right, machine, 1)
    contrast = behaviour.mixed_contrast(right, machine, observers, stimuli)
    return {
        **found,
        **dict(
            zip(("consistency", "consistency_low", "consistency_high"), consistency, strict=True)
        ),
        "least": bounds.least,
        "greatest": bounds.greatest,
        "difference": contrast.difference,
        "difference_low": contrast.low,
        "difference_high": contrast.high,
    }


def performance(trials: pd.DataFrame, truth: pd.Series) -> dict[str, float]:
    """Mean over observers and pairs."""
    table = behaviour.by_observer(trials, truth)
    return {name: table[name].mean() for name in ("percent_correct", "dprime")}


def needed(answers: pd.DataFrame) -> float:
    """Mean number of clicks from which on the answer stays right, of trials that end right."""
    uncovered = answers[answers.groupby(TRIAL_KEY)["after"].transform("max") > 0]
    if uncovered.empty:
        return np.nan
    # From the end backwards: still right.
    backwards = uncovered.iloc[::-1].groupby(TRIAL_KEY)["correct"].cumprod().iloc[::-1]
    kept = uncovered[backwards == 1]
    return float(kept.groupby(TRIAL_KEY)["after"].min().mean()) if len(kept) else np.nan


def clicks_at(answers: pd.DataFrame) -> float:
    """Clicks at which `_LEVEL` of the answers are right, by a psychometric function."""
    table = answers.groupby("after")["correct"].agg(["sum", "count"])
    if len(table) < 3:
        return np.nan
    found = psychometric.fit(table.index.to_numpy(float), table["sum"], table["count"], 0.5)
    at = found.function.inverse(_LEVEL)
    # Beyond what anybody clicked, the function is a guess.
    return at if 0 <= at <= table.index.max() else np.nan


def candidates(params: Params) -> dict[tuple[str, str], NDArray[np.float32]]:
    """The maps that are held against people's: (name, expression) -> on the grid.

    Each network's heatmaps, the mean over its folds; the Ekman masks, the evidence in the
    photographs, and an ellipse in the middle of the face, which knows nothing.
    """
    found: dict[tuple[str, str], list[NDArray]] = {}
    for network, fold in params.units:
        path = artifacts.unit("standardized", network, fold, ".npz")
        predicted = artifacts.read_arrays(path, "predicted")["predicted"].tolist()
        means = dict(mean_maps(artifacts.read_rows(path, "maps"), predicted))
        for label in params.labels:
            if label in means:
                found.setdefault((network, label), []).append(clicks.on_grid(means[label]))
    maps = {key: np.mean(parts, axis=0) for key, parts in found.items()}
    evidence = artifacts.read_arrays(artifacts.EVIDENCE)
    for label, effect in zip(evidence["expressions"], evidence["effect"], strict=True):
        if np.isfinite(effect).all():
            maps["evidence", str(label)] = clicks.on_grid(effect)
    ellipse = clicks.on_grid(centred_ellipse(HEIGHT, WIDTH))
    for label in params.labels:
        if label in EXPRESSIONS:
            maps["ekman", label] = clicks.on_grid(ekman_mask(label))
        maps["ellipse", label] = ellipse
    return maps


def of_maps(
    maps: dict[tuple[str, str], NDArray[np.float32]],
    attention: dict[str, NDArray[Any]],
    trials: pd.DataFrame,
    shown: Stimuli,
    compare: Compare,
) -> pd.DataFrame:
    """How well each map agrees with people's.

    Returns
    -------
    DataFrame
        A row for each map and expression, and one for its mean over expressions: map, expression,
        agreement (mean correlation with the observers' maps), low and high (over observers and
        faces), others (agreement with people's maps of the other expressions), lower and upper (the
        noise ceiling).
    """
    theirs = trials.iloc[attention["trial"]]
    truth = shown.of(theirs, "expression").to_numpy(str)
    observers = theirs["observer"].to_numpy(str)
    faces = shown.of(theirs, "subject").to_numpy(str)
    labels = [
        label for label in dict.fromkeys(label for _, label in maps) if (truth == label).any()
    ]
    names = list(dict.fromkeys(name for name, _ in maps))
    rows_of: list[dict[str, Any]] = []
    without: dict[str, list[tuple[pd.Series, pd.Series]]] = {name: [] for name in names}
    own = {
        label: clicks.observer_maps(
            attention["trial_maps"][truth == label], observers[truth == label]
        )
        for label in labels
    }
    for label in labels:
        rows = truth == label
        present = [name for name in names if (name, label) in maps]
        stack = np.stack([maps[name, label] for name in present])
        agreement = {o: np.nanmean(clicks.fits(stack, own[o]), axis=1) for o in labels}
        left_out = clicks.fits_without(
            stack, attention["trial_maps"][rows], observers[rows], faces[rows]
        )
        ceiling = clicks.noise_ceiling(own[label])
        for number, name in enumerate(present):
            without[name].append((left_out[0][number], left_out[1][number]))
            found = agreement[label][number]
            others = [values[number] for o, values in agreement.items() if o != label]
            rows_of.append(
                {
                    "map": name,
                    "expression": label,
                    "agreement": found,
                    **bounds(found, [found], without[name][-1:]),
                    "others": np.mean(others) if others else np.nan,
                    **ceiling._asdict(),
                }
            )
    columns = ["map", "expression", "agreement", "low", "high", "others", "lower", "upper"]
    table = pd.DataFrame(rows_of, columns=columns)
    means = []
    for name in names:
        part = table[table["map"] == name]
        if len(part):
            average = part.drop(columns=["map", "expression"]).mean()
            limits = bounds(average["agreement"], list(part["agreement"]), without[name])
            means.append({"map": name, "expression": "mean", **average, **limits})
    return pd.concat([table, pd.DataFrame(means, columns=columns)], ignore_index=True)


def bounds(
    estimate: float, figures_of: list[float], without: list[tuple[pd.Series, pd.Series]]
) -> dict[str, float]:
    """The interval of a mean over expressions, over observers and faces: both jackknifed.

    Parameters
    ----------
    estimate
    figures_of
        The figure of each expression.
    without
        Of each expression, the figure without each observer, and without each face. Whoever is in
        several expressions is left out of all of them at once.
    """
    variance, least = 0.0, np.inf
    for part in (0, 1):
        each = pd.concat([pair[part] for pair in without], axis=1)
        filled = [each.iloc[:, i].fillna(figures_of[i]) for i in range(len(figures_of))]
        variance += float(jackknife_error(np.mean(filled, axis=0))) ** 2
        least = min(least, len(each))
    low, high = interval(estimate, variance**0.5, int(least) - 1)
    return {"low": low, "high": high}


def draw(agreement: pd.DataFrame, simulated: bool) -> bytes:
    """The agreement of each map with people's, between chance and the noise ceiling."""
    mean = agreement[agreement["expression"] == "mean"]
    if mean.empty:
        return figures.png(figures.note("nobody uncovered a face"))
    people = "simulated observers" if simulated else "people"
    return figures.png(agreement_figure(mean, people))


def known(value: float) -> float | None:
    """A figure for JSON, which has no NaN."""
    return None if np.isnan(value) else round(float(value), DIGITS)

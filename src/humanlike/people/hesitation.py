"""Are stimuli between two expressions harder for people, and how far are choices one's own?

Everything here takes choices as `humanlike.people.trials` has them. What a table does not have,
such as reaction times or the stimuli's making, is said in `Told.unsaid`, and the rest is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from humanlike.people.behaviour import LEVEL, choice_counts, entropy, krippendorff, percentiles

#: What makes a boundary stimulus and its controls comparable.
MATCHED_BY = ("generator", "networks", "subject", "first", "second")

#: How often observers, or stimuli, are parted at random.
SPLITS = 50


class Difference(NamedTuple):
    """A mean difference with its interval."""

    difference: float
    low: float
    high: float
    n: int  #: how many were compared


class Correlation(NamedTuple):
    """A rank correlation with its interval and how high noise lets it be."""

    r: float
    low: float
    high: float
    ceiling: float  #: that a perfect predictor could have


class Individuality(NamedTuple):
    """How far observers' choices are their own."""

    own: float  #: correlation of a half of an observer's deviations with the other half
    others: float  #: and with other observers' other halves
    difference: Difference  #: own less others, over observers
    p: float  #: of permuting whose the other halves are

    @property
    def there(self) -> bool:
        """Whether there are individual differences, as far as these choices tell."""
        return self.difference.low > 0 and self.p < 1 - LEVEL


def by_stimulus(trials: pd.DataFrame, expressions: Sequence[str]) -> pd.DataFrame:
    """How people judge each stimulus.

    Returns
    -------
    DataFrame
        Index stimulus; columns choices (how many), entropy (bits, corrected for how few the choices
        are), modal (share of the most frequent answer), rt (median, seconds), log_rt (mean of the
        log seconds less the observer's own mean; both NaN where no time was taken).
    """
    counts = choice_counts(trials, expressions)
    values = counts.to_numpy(float)
    table = pd.DataFrame(
        {
            "choices": values.sum(axis=1).astype(int),
            "entropy": entropy(values),
            "modal": values.max(axis=1) / values.sum(axis=1),
        },
        index=counts.index,
    )
    seconds = trials["rt"].where(trials["rt"] > 0)
    logs = np.log(seconds)
    quick = logs - logs.groupby(trials["observer"]).transform("mean")
    times = {"rt": seconds, "log_rt": quick}
    grouped = {name: each.groupby(trials["stimulus"]) for name, each in times.items()}
    return table.assign(rt=grouped["rt"].median(), log_rt=grouped["log_rt"].mean())


def paired(first: ArrayLike, second: ArrayLike) -> Difference:
    """Mean of the differences of matched values, with Student's interval; NaN below two pairs."""
    differences = np.asarray(first, float) - np.asarray(second, float)
    differences = differences[~np.isnan(differences)]
    n = len(differences)
    mean = float(differences.mean()) if n else np.nan
    if n < 2:
        return Difference(mean, np.nan, np.nan, n)
    margin = float(stats.t.ppf((1 + LEVEL) / 2, n - 1) * differences.std(ddof=1) / np.sqrt(n))
    return Difference(mean, mean - margin, mean + margin, n)


def matched(values: pd.Series, made: pd.DataFrame) -> pd.DataFrame:
    """Each boundary stimulus' value beside the mean of its controls'.

    Parameters
    ----------
    values
        A value for each stimulus, by its name.
    made
        `made.csv` of the stage `boundary`; what is `alone` there counts. A share of .5 is the
        boundary, others are controls.

    Returns
    -------
    DataFrame
        `MATCHED_BY`, boundary, control: a row for each person, pair, network and generator that has
        both.
    """
    alone = made[made["target"] == "alone"].assign(value=made["stimulus"].map(values))
    alone = alone[alone["value"].notna()]
    keys = list(MATCHED_BY)
    at = np.where(alone["share"] == 0.5, "boundary", "control")
    means = alone.groupby([*keys, pd.Series(at, alone.index, name="at")])["value"].mean()
    wide = means.unstack("at").reindex(columns=["boundary", "control"])
    return wide.dropna().reset_index()


def mixed(values: pd.DataFrame) -> Difference:
    """The same difference by a mixed model: random intercepts of persons and of pairs.

    ``value ~ boundary + (1 | person) + (1 | pair)`` by restricted maximum likelihood, with
    statsmodels' `MixedLM`. Stimuli of one person, or of one pair, are not independent, and the
    paired interval takes them for it.

    Parameters
    ----------
    values
        As `matched` gives it.
    """
    long = values.melt(list(MATCHED_BY), ["boundary", "control"], "at", "value")
    pair = long["first"] + "/" + long["second"]
    return _mixed(
        long["value"], long["at"] == "boundary", {"person": long["subject"], "pair": pair}
    )


def _mixed(values: pd.Series, boundary: pd.Series, groups: dict[str, pd.Series]) -> Difference:
    import warnings

    from statsmodels.regression.mixed_linear_model import MixedLM
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    n = int(boundary.sum())
    if n < 2 or boundary.all():
        return Difference(np.nan, np.nan, np.nan, n)
    table = pd.DataFrame({"value": values, "boundary": boundary.astype(float), **groups})
    # Crossed effects: one group of all, with a variance component for each factor.
    parts = {name: f"0 + C({name})" for name in groups if groups[name].nunique() > 1}
    model = MixedLM.from_formula(
        "value ~ boundary", table, groups=np.ones(len(table)), vc_formula=parts, re_formula="0"
    )
    with warnings.catch_warnings():
        # A variance of 0 lies on the edge of what is allowed, and is said in that way.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        found = model.fit(reml=True)
    low, high = found.conf_int(1 - LEVEL).loc["boundary"]
    return Difference(float(found.params["boundary"]), float(low), float(high), n)


def entropy_reliability(
    trials: pd.DataFrame, expressions: Sequence[str], seed: int, splits: int = SPLITS
) -> float:
    """Spearman–Brown reliability of stimuli's entropy over random halves of the observers.

    NaN below four observers or three stimuli.
    """
    observers = trials["observer"].unique()
    if len(observers) < 4:
        return np.nan
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(splits):
        half = rng.permutation(observers)[: len(observers) // 2]
        parts = [
            by_stimulus(trials[within], expressions)["entropy"]
            for within in (trials["observer"].isin(half), ~trials["observer"].isin(half))
        ]
        both = pd.concat(parts, axis=1).dropna().to_numpy()
        r = _spearman(both[:, 0], both[:, 1])
        found.append(2 * r / (1 + r) if r > -1 else np.nan)
    return _mean(found)


def correlation(
    people: ArrayLike, other: ArrayLike, reliability: float, resamples: int, seed: int
) -> Correlation:
    """Rank correlation of people's entropy with something else, over stimuli.

    Parameters
    ----------
    people, other
        (n,) each; stimuli of which one is NaN are left out.
    reliability
        Of `people`; its root is the ceiling of whatever has no noise of its own.
    resamples, seed
        Of the bootstrap over stimuli, from which the interval is.
    """
    a, b = np.asarray(people, float), np.asarray(other, float)
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    rng = np.random.default_rng(seed)
    drawn = [
        _spearman(a[rows], b[rows])
        for rows in rng.integers(len(a), size=(resamples if len(a) > 2 else 0, max(len(a), 1)))
    ]
    ceiling = float(np.sqrt(reliability)) if reliability > 0 else np.nan
    return Correlation(_spearman(a, b), *percentiles(drawn), ceiling)


def individuality(
    trials: pd.DataFrame,
    expressions: Sequence[str],
    seed: int,
    splits: int = SPLITS,
    permutations: int = 2000,
) -> Individuality:
    """Whether an observer's choices depart from the others' in a way that is the observer's own.

    A choice's deviation is the answer, as 0 and 1 for each expression, less the shares of the other
    observers' answers to the same stimulus. The stimuli are parted at random; in each half an
    observer's profile is the mean deviation for each expression, apart for stimuli of each pair
    offered, or of each answer most others gave. Profiles are correlated across the halves, so that
    no stimulus is on both sides: what an observer has in common with himself but not with others
    is his own.

    Returns
    -------
    Individuality
        NaN below three observers with choices in both halves, or where nobody deviates.
    """
    rng = np.random.default_rng(seed)
    matrix = _across_halves(*_deviations(trials, expressions), splits, rng)
    n = len(matrix)
    if n < 3:
        return Individuality(np.nan, np.nan, Difference(np.nan, np.nan, np.nan, n), np.nan)
    own = matrix.diagonal()
    # Of an observer's first half and of the second, with all others'.
    others = (matrix.sum(axis=1) + matrix.sum(axis=0) - 2 * own) / (2 * (n - 1))
    by_chance = [matrix[np.arange(n), rng.permutation(n)].mean() for _ in range(permutations)]
    p = float((1 + np.sum(np.array(by_chance) >= own.mean())) / (1 + permutations))
    return Individuality(float(own.mean()), float(others.mean()), paired(own, others), p)


def _across_halves(
    deviation: NDArray,
    cell: NDArray,
    observer: NDArray,
    stimulus: NDArray,
    splits: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Correlations (n, n) of observers' profiles in a half of the stimuli with those in the other.

    The mean over random halves; of those observers who have choices in both halves of any.
    """
    people, who = np.unique(observer, return_inverse=True)
    cells, where = np.unique(cell, return_inverse=True)
    names, which = np.unique(stimulus, return_inverse=True)
    if len(people) < 2:
        return np.empty((0, 0))
    across = []
    for _ in range(splits):
        first = rng.permutation(len(names)) < len(names) // 2
        profiles = [
            _profiles(deviation, who, where, within, (len(people), len(cells)))
            for within in (first[which], ~first[which])
        ]
        across.append(_cross_correlation(*profiles))
    cosines = np.array(across)
    known = np.isfinite(cosines)
    matrix = np.where(known, cosines, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    kept = np.diag(known.any(axis=0))
    return matrix[np.ix_(kept, kept)]


def _deviations(
    trials: pd.DataFrame, expressions: Sequence[str]
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Deviations (n, E), cells, observers and stimuli of the choices that others share."""
    answer = trials["response"].map(list(expressions).index).to_numpy()
    given = np.eye(len(expressions))[answer]
    names, which = np.unique(trials["stimulus"], return_inverse=True)
    everyone = np.zeros((len(names), len(expressions)))
    np.add.at(everyone, which, given)
    # An observer may have seen a stimulus more than once: all his answers are left out.
    people = pd.factorize(trials["observer"])[0]
    key, same = np.unique(people * len(names) + which, return_inverse=True)
    own = np.zeros((len(key), len(expressions)))
    np.add.at(own, same, given)
    rest = everyone[which] - own[same]
    known = rest.sum(axis=1) > 0
    shares = rest / np.maximum(rest.sum(axis=1, keepdims=True), 1)
    pair = np.sort(trials[["left", "right"]].to_numpy(str), axis=1)
    offered = np.array(["/".join(two) if two[1] else "" for two in pair])
    most = np.array(list(expressions))[shares.argmax(axis=1)]
    cell = np.where(offered != "", offered, most)
    observer, stimulus = trials["observer"].to_numpy(str), trials["stimulus"].to_numpy(str)
    return (given - shares)[known], cell[known], observer[known], stimulus[known]


def _profiles(
    deviation: NDArray, who: NDArray, where: NDArray, within: NDArray, shape: tuple[int, int]
) -> NDArray:
    """Mean deviations (observers, cells * E) in a half; an observer without choices has NaN."""
    sums = np.zeros((*shape, deviation.shape[1]))
    counts = np.zeros(shape)
    np.add.at(sums, (who[within], where[within]), deviation[within])
    np.add.at(counts, (who[within], where[within]), 1)
    means = sums / np.maximum(counts, 1)[..., None]
    means[counts.sum(axis=1) == 0] = np.nan
    # What all have in common is not anybody's own.
    flat = means.reshape(shape[0], -1)
    return flat - np.nanmean(flat, axis=0)


def _cross_correlation(first: NDArray, second: NDArray) -> NDArray:
    """Cosine of every row with every row; NaN where a row is 0 or unknown."""
    with np.errstate(invalid="ignore", divide="ignore"):
        a = first / np.linalg.norm(first, axis=1, keepdims=True)
        b = second / np.linalg.norm(second, axis=1, keepdims=True)
        return a @ b.T


class Told(NamedTuple):
    """What a table of choices says, and what it cannot say."""

    stimuli: pd.DataFrame  #: as `by_stimulus`
    metrics: dict[str, Any]
    unsaid: list[str]


def analyse(
    trials: pd.DataFrame,
    expressions: Sequence[str],
    made: pd.DataFrame | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Told:
    """Everything that choices tell of hesitation.

    Parameters
    ----------
    trials
        As `humanlike.people.trials` has them, or its readers of published tables.
    expressions
        That answers name.
    made
        `made.csv` of the stage `boundary`, where the stimuli are its.
    resamples, seed
        Of bootstraps and random halves.
    """
    stimuli = by_stimulus(trials, expressions)
    reliability = entropy_reliability(trials, expressions, seed)
    own = individuality(trials, expressions, seed)
    metrics: dict[str, Any] = {
        "observers": int(trials["observer"].nunique()),
        "choices": len(trials),
        "stimuli": len(stimuli),
        "entropy": float(stimuli["entropy"].mean()),
        "modal_share": float(stimuli["modal"].mean()),
        "krippendorff": krippendorff(choice_counts(trials, expressions)),
        "entropy_reliability": reliability,
        "individuality": {
            **own._asdict(),
            "difference": own.difference._asdict(),
            "there": own.there,
        },
    }
    unsaid = []
    timed = bool((trials["rt"] > 0).any())
    if np.isnan(reliability):
        unsaid.append("noise ceiling: needs four observers and three stimuli that they share")
    if np.isnan(own.own):
        unsaid.append("individual differences: need three observers who share stimuli")
    if not timed:
        unsaid.append("reaction times: the table has none")
    if made is None:
        unsaid.append("boundary against controls: what the stimuli were made for is not known")
        unsaid.append("correlation with networks: there are no images to show them")
        return Told(stimuli, metrics, unsaid)
    for name in ("entropy", *["log_rt"] * timed):
        pairs = matched(stimuli[name], made)
        if len(pairs) < 2:
            unsaid.append(f"boundary against controls, {name}: fewer than two matched pairs")
            continue
        metrics[f"boundary_{name}"] = paired(pairs["boundary"], pairs["control"])._asdict()
        metrics[f"boundary_{name}_mixed"] = mixed(pairs)._asdict()
    metrics["correlations"] = {
        name: correlation(
            stimuli["entropy"], values.reindex(stimuli.index), reliability, resamples, seed
        )._asdict()
        for name, values in network_uncertainty(made).items()
    }
    return Told(stimuli, metrics, unsaid)


def network_uncertainty(made: pd.DataFrame) -> dict[str, pd.Series]:
    """Each network's entropy of every stimulus in bits, and their disagreement, by its name.

    The disagreement is the Jensen–Shannon divergence of all networks: the entropy of their mean
    less their mean entropy.
    """
    columns: dict[str, list[str]] = {}
    for name in made.columns:
        if name.startswith("p_"):
            columns.setdefault(name[2:].rpartition("_")[0], []).append(name)
    shares = [made[names].to_numpy(float) for names in columns.values()]
    bits = [_bits(each) for each in shares]
    found = {
        name: pd.Series(each, made["stimulus"]) for name, each in zip(columns, bits, strict=True)
    }
    if len(shares) > 1:
        apart = _bits(np.mean(shares, axis=0)) - np.mean(bits, axis=0)
        found["disagreement"] = pd.Series(apart, made["stimulus"])
    return found


def _bits(shares: NDArray) -> NDArray[np.float64]:
    return np.asarray(stats.entropy(shares, base=2, axis=1), np.float64)


def _spearman(a: NDArray, b: NDArray) -> float:
    if len(a) < 3 or not np.ptp(a) or not np.ptp(b):
        return np.nan
    return float(stats.spearmanr(a, b).statistic)


def _mean(values: Sequence[float]) -> float:
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else np.nan

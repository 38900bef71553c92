"""What people choose: how often right, how well they tell apart, and how alike they err."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import jensenshannon
from scipy.special import expit
from scipy.stats import norm

#: Confidence level of every interval here.
LEVEL = 0.95


class Sensitivity(NamedTuple):
    """Signal detection of two expressions by one observer."""

    dprime: NDArray[np.float64]
    criterion: NDArray[np.float64]  #: above 0, the second expression is favoured


def sensitivity(
    first_right: ArrayLike, first: ArrayLike, second_right: ArrayLike, second: ArrayLike
) -> Sensitivity:
    """d' and criterion of choosing between two expressions.

    One face is shown and two words are offered: a design of one interval, hence d' = z(H) - z(F)
    without a division by the root of two (Macmillan & Creelman 2005, *Detection Theory*). Half an
    answer is added to each count and one to each number, so that nobody is perfect (Hautus 1995,
    doi 10.3758/BF03203619).

    Parameters
    ----------
    first_right, first : int or arrays
        Of the trials in which the first expression was shown, those answered right, and all.
    second_right, second : int or arrays
        The same of the second.

    Returns
    -------
    Sensitivity
        NaN where an expression was never shown.
    """
    right = [np.asarray(values, float) for values in (first_right, second_right)]
    shown = [np.asarray(values, float) for values in (first, second)]
    hits, correct_rejections = (
        np.where(n > 0, norm.ppf((k + 0.5) / (n + 1)), np.nan)
        for k, n in zip(right, shown, strict=True)
    )
    return Sensitivity((hits + correct_rejections)[()], ((correct_rejections - hits) / 2)[()])


def by_observer(trials: pd.DataFrame, truth: pd.Series) -> pd.DataFrame:
    """How well each observer chooses between the two expressions of each pair.

    Parameters
    ----------
    trials : DataFrame
        As `humanlike.people.trials` checks it; rows where nothing is right are left out.
    truth : Series
        The expression that each trial's face shows, with the index of `trials`.

    Returns
    -------
    DataFrame
        A row for each observer and pair: observer, first, second (in alphabetical order; empty
        where all expressions were offered), trials, percent_correct (0 to 1), dprime, criterion
        (NaN where more than two were offered).
    """
    known = trials[trials["correct"].notna()].assign(truth=truth)
    pairs = np.sort(known[["left", "right"]].to_numpy(str), axis=1)
    known = known.assign(first=pairs[:, 0], second=pairs[:, 1])
    rows = []
    for key, group in known.groupby(["observer", "first", "second"], sort=True):
        right = group["correct"].astype(int)
        counts = [
            (int(right[group["truth"] == label].sum()), int((group["truth"] == label).sum()))
            for label in key[1:]
        ]
        found = sensitivity(*counts[0], *counts[1]) if key[1] else Sensitivity(*np.full(2, np.nan))
        rows.append((*key, len(group), float(right.mean()), *map(float, found)))
    columns = ["observer", "first", "second", "trials", "percent_correct", *Sensitivity._fields]
    return pd.DataFrame(rows, columns=columns)


class Consistency(NamedTuple):
    """Error consistency of two observers on the same trials."""

    kappa: float
    low: float  #: of the interval
    high: float
    least: float  #: bounds that the two accuracies set
    greatest: float


def error_kappa(
    first: ArrayLike, second: ArrayLike, weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Error consistency: agreement of two observers' errors beyond what their accuracies make.

    ``(c_o - c_e) / (1 - c_e)``, c_o the share of trials on which both are right or both wrong, and
    c_e = p1 p2 + (1 - p1)(1 - p2) (Geirhos, Meding & Wichmann 2020, arXiv 2006.16736, eq. 1 and 3).

    Parameters
    ----------
    first, second : (n,) arrays of 0 and 1
        Whether each was right.
    weights : (..., n) array, optional
        How often each trial counts.

    Returns
    -------
    (...) float64, at most 1
        NaN where both are always right or both always wrong, or no trial counts.
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    w = np.ones(len(a)) if weights is None else np.asarray(weights, float)
    n = w.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q = (w @ a) / n, (w @ b) / n
        return _kappa((w @ (a == b).astype(float)) / n, p, q)


def _kappa(observed: ArrayLike, p: ArrayLike, q: ArrayLike) -> NDArray[np.float64]:
    p, q = np.asarray(p, float), np.asarray(q, float)
    # 1 - c_e, written so that it is 0 and not a rounding where both are always right.
    room = p * (1 - q) + q * (1 - p)
    observed = np.asarray(observed, float)
    unknown = np.full(np.shape(room), np.nan)
    return np.divide(observed - (1 - room), room, out=unknown, where=room > 1e-12)[()]


def error_consistency(
    first: ArrayLike, second: ArrayLike, resamples: int = 2000, seed: int = 0
) -> Consistency:
    """Error consistency with its bootstrap interval and bounds.

    Parameters
    ----------
    first, second : (n,) arrays of 0 and 1
        Whether each observer was right, trial by trial.
    resamples : int
        Trials are drawn anew so often; the interval is of percentiles.
    seed : int

    Returns
    -------
    Consistency
        The bounds are kappa at the least and the greatest share of common rights and wrongs that
        accuracies p and q allow, \\|p + q - 1\\| and 1 - \\|p - q\\|. NaN where kappa is undefined.
    """
    a, b = np.asarray(first, bool), np.asarray(second, bool)
    n, p, q = len(a), a.mean(), b.mean()
    cells = np.array([(a & b).sum(), (a & ~b).sum(), (~a & b).sum(), (~a & ~b).sum()]) / n
    drawn = np.random.default_rng(seed).multinomial(n, cells, resamples) / n
    kappas = _kappa(drawn[:, 0] + drawn[:, 3], drawn[:, 0] + drawn[:, 1], drawn[:, 0] + drawn[:, 2])
    return Consistency(
        float(error_kappa(a, b)),
        *percentiles(kappas),
        *(float(_kappa(bound, p, q)) for bound in (abs(p + q - 1), 1 - abs(p - q))),
    )


def percentiles(values: ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """The middle share of resampled values (n,), those that are not known left out."""
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def mean_consistency(
    first: ArrayLike,
    second: ArrayLike,
    groups: Sequence[str] | NDArray,
    stimuli: Sequence[str] | NDArray,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Mean error consistency over observers, and its interval over observers and stimuli.

    Parameters
    ----------
    first, second : (n,) arrays of 0 and 1
        Whether a person, and whether a network, was right in a trial.
    groups, stimuli : (n,) arrays
        The observer, or pair of observers, and what was shown. Both are drawn anew, independently
        of each other (Owen 2007, doi 10.1214/07-AOAS122).
    resamples, seed : int

    Returns
    -------
    kappa, low, high : float
        Observers without a kappa are left out; NaN where there is none.
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    codes, group = np.unique(groups, return_inverse=True)
    names, stimulus = np.unique(stimuli, return_inverse=True)
    rng = np.random.default_rng(seed)
    of_groups, of_stimuli = (
        np.vstack([np.ones(n), rng.multinomial(n, np.full(n, 1 / n), resamples)])
        for n in (len(codes), len(names))
    )
    kappas = np.stack(
        [
            error_kappa(a[rows], b[rows], of_stimuli[:, stimulus[rows]])
            for rows in (group == number for number in range(len(codes)))
        ],
        axis=1,
    )
    weights = np.where(np.isnan(kappas), 0, of_groups)
    with np.errstate(invalid="ignore"):
        means = (weights * np.nan_to_num(kappas)).sum(axis=1) / weights.sum(axis=1)
    return float(means[0]), *percentiles(means[1:])


def group_consistency(
    right: NDArray[np.float64], resamples: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean error consistency of every two people, and its interval over people and stimuli.

    Parameters
    ----------
    right : (O, S) array of 0 and 1
        Whether each observer was right on each stimulus, NaN where not asked.
    resamples, seed : int
        As for `mean_consistency`. A person who is drawn twice is not held against themself.

    Returns
    -------
    kappa, low, high : float
        NaN where no two have a kappa.
    """
    seen = ~np.isnan(right)
    yes, no = (right == 1).astype(float), (right == 0).astype(float)
    n_observers, n_stimuli = right.shape
    rng = np.random.default_rng(seed)
    upper = np.triu(np.ones((n_observers, n_observers), bool), 1)

    def mean(observers: NDArray, stimuli: NDArray) -> float:
        both = (seen * stimuli) @ seen.T
        agree = (yes * stimuli) @ yes.T + (no * stimuli) @ no.T
        p = (yes * stimuli) @ seen.T
        with np.errstate(invalid="ignore", divide="ignore"):
            kappas = _kappa(agree / both, p / both, p.T / both)
        weights = np.where(upper & ~np.isnan(kappas), np.outer(observers, observers), 0.0)
        total = weights.sum()
        return float((weights * np.nan_to_num(kappas)).sum() / total) if total else np.nan

    drawn = [
        mean(
            rng.multinomial(n_observers, np.full(n_observers, 1 / n_observers)),
            rng.multinomial(n_stimuli, np.full(n_stimuli, 1 / n_stimuli)),
        )
        for _ in range(resamples)
    ]
    return mean(np.ones(n_observers), np.ones(n_stimuli)), *percentiles(drawn)


def choice_counts(trials: pd.DataFrame, expressions: Sequence[str]) -> pd.DataFrame:
    """How often each expression was chosen for each stimulus: a row a stimulus, a column each."""
    counts = pd.crosstab(trials["stimulus"], trials["response"])
    return counts.reindex(columns=list(expressions), fill_value=0)


def entropy(counts: ArrayLike) -> NDArray[np.float64]:
    """Entropy of choices in bits, corrected for how few they are.

    Plain entropy, which is too small on average, plus ``(K - 1) / (2 n ln 2)``, K being the number
    of answers that were given at all (Miller 1955; Miller-Madow). A few answers may give more than
    the answers offered allow.

    Parameters
    ----------
    counts : (..., E) array
        How often each answer was given.

    Returns
    -------
    (...) float64, >= 0
        NaN where there is no answer.
    """
    counts = np.asarray(counts, float)
    n = counts.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = counts / n[..., None]
        bits = -np.where(counts > 0, shares * np.log2(np.where(counts > 0, shares, 1)), 0).sum(-1)
        corrected = bits + ((counts > 0).sum(axis=-1) - 1) / (2 * n * np.log(2))
    return np.where(n > 0, corrected, np.nan)[()]


def divergence(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Jensen-Shannon divergence of two distributions of choices, in bits: 0 alike, 1 disjoint.

    Parameters
    ----------
    first, second : (..., E) arrays
        Shares or counts; each is divided by its sum.
    """
    return np.asarray(jensenshannon(first, second, base=2, axis=-1)) ** 2


def krippendorff(counts: ArrayLike) -> float:
    """Krippendorff's alpha of nominal choices: 1 agreement, 0 chance.

    Parameters
    ----------
    counts : (U, E) array
        How often each answer was given to each stimulus. Stimuli with fewer than two answers say
        nothing and are left out.

    Returns
    -------
    float
        Krippendorff (2018), *Content Analysis*, ch. 12; NaN where all answers are the same.
    """
    given = np.asarray(counts, float)
    given = given[given.sum(axis=1) > 1]
    each = given.sum(axis=1)
    n, totals = each.sum(), given.sum(axis=0)
    expected = (n**2 - (totals**2).sum()) / (n - 1) if n > 1 else 0
    if not expected:
        return np.nan
    observed = ((each**2 - (given**2).sum(axis=1)) / (each - 1)).sum()
    return float(1 - observed / expected)


class Contrast(NamedTuple):
    """How much better a network is than people, in log odds of being right."""

    difference: float
    low: float
    high: float
    observers: float  #: standard deviation among observers, in log odds
    stimuli: float  #: among stimuli


def mixed_contrast(
    people: ArrayLike,
    network: ArrayLike,
    observers: Sequence[str] | NDArray,
    stimuli: Sequence[str] | NDArray,
) -> Contrast:
    """Is a network better than people, whoever had looked at whatever stimuli?

    A logistic mixed model of right answers with random intercepts of observers and of stimuli,
    which are crossed: percent correct alone takes every trial for an independent one.

    Parameters
    ----------
    people, network : (n,) arrays of 0 and 1
        Whether each was right in a trial; both saw the same.
    observers, stimuli : (n,) arrays
        Whose trial, and what was shown.

    Returns
    -------
    Contrast
        The variances are those of statsmodels' `BinomialBayesMixedGLM` (variational Bayes); its
        standard errors are too small, so given the variances the difference and its normal interval
        are those of the penalised likelihood (Breslow & Clayton 1993, doi 10.2307/2290687).
    """
    from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM

    right = np.concatenate([np.asarray(people, float), np.asarray(network, float)])
    is_network = np.repeat([0.0, 1.0], len(right) // 2)
    fixed = np.column_stack([np.ones(len(right)), is_network])
    groups = [
        np.unique(np.tile(codes, 2), return_inverse=True)[1] for codes in (observers, stimuli)
    ]
    sizes = [int(group.max()) + 1 for group in groups]
    effects = np.hstack([np.eye(n)[group] for n, group in zip(sizes, groups, strict=True)])
    model = BinomialBayesMixedGLM(right, fixed, effects, np.repeat([0, 1], sizes))
    spreads = np.exp(model.fit_vb().vcp_mean)
    difference, error = _penalised(
        np.hstack([fixed, effects]), right, np.repeat([0, *spreads**-2.0], [2, *sizes])
    )
    margin = norm.ppf((1 + LEVEL) / 2) * error
    return Contrast(difference, difference - margin, difference + margin, *map(float, spreads))


def _penalised(
    design: NDArray[np.float64], right: NDArray[np.float64], penalties: NDArray[np.float64]
) -> tuple[float, float]:
    """Second coefficient and its standard error of a logistic regression (Newton's method)."""
    # The least penalty keeps the two fixed coefficients finite where everybody is always right.
    penalty = np.diag(np.maximum(penalties, 1e-4))
    coefficients = np.zeros(design.shape[1])
    for _ in range(100):
        p = expit(design @ coefficients)
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + penalty
        step = np.linalg.solve(hessian, design.T @ (right - p) - penalty @ coefficients)
        coefficients += step * min(1, 5 / max(np.abs(step).max(), 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    return float(coefficients[1]), float(np.sqrt(np.linalg.inv(hessian)[1, 1]))

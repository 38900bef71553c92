"""Are thresholds found again along drawn continua? Simulated observers, whose minds are known.

    python benchmarks/thresholds.py

Along the straight way between two expressions of a drawn person the observer's true threshold is
where the weighted action units of both are equal. Prints how many thresholds that are fitted to
answers at nine levels lie within 5 % of the way.
"""

import argparse
import itertools
import time

import numpy as np

from humanlike.boundaries import render
from humanlike.expressions import EXPRESSIONS
from humanlike.people import psychometric
from humanlike.people.observers import Rater, personal_weights
from humanlike.synthesis.action_units import DRAWN_UNITS

LEVELS = np.linspace(0, 1, 9)


def error(person: int, pair: tuple[str, str], answers: int, rng: np.random.Generator) -> float:
    """A fitted threshold less the true one."""
    start = render.draw_start(2, person, pair)
    units = np.array([[render.between(start, x)[unit] for unit in DRAWN_UNITS] for x in LEVELS])
    weights = personal_weights(EXPRESSIONS, DRAWN_UNITS, 0.1, rng)
    first, second = (weights[EXPRESSIONS.index(label)] for label in pair)
    true = np.interp(0, units @ (first - second), LEVELS)
    rater = Rater(EXPRESSIONS, weights, noise=0.3, lapse=0.02)
    chosen = [
        rater.answer(np.repeat(one[None], answers, 0), rng, pair)[0].count(pair[0]) for one in units
    ]
    shown = np.full(len(LEVELS), answers)
    found = psychometric.fit(LEVELS, chosen, shown, guess=None, resamples=0)
    return float(found.function.threshold - true)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--people", type=int, default=4, help="drawn for each pair")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    for answers in (20, 50, 150):
        rng = np.random.default_rng(asked.seed)
        pairs = itertools.combinations(EXPRESSIONS, 2)
        errors = np.abs(
            [error(n, pair, answers, rng) for pair in pairs for n in range(asked.people)]
        )
        print(
            f"{answers} answers at each level, {len(errors)} continua: "
            f"{(errors <= 0.05).mean():.1%} within 5 %, median {np.median(errors):.2%}"
        )
    print(f"{time.process_time():.0f} s of processor time")


if __name__ == "__main__":
    main()

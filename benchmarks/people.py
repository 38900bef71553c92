"""Does what is measured on people come out right, and how many people does it take?

    python benchmarks/people.py

Simulated observers, whose minds are known (`humanlike.people.observers`), uncover simulated faces
(the standard face, its landmarks moved at random). Four tables:

recovery    40 observers, 60 trials each: correlation of the recovered attention map with the true
            one for each expression, and d' against the true sensitivity.
ceiling     many small studies: how often the noise ceiling holds what the map that all observers
            share reaches, and how often the interval of a fixed map's agreement holds its mean over
            all studies.
attention   reliability of the map of one expression, and the width of the interval of a map's
            agreement with people, by observers and trials.
consistency the width of the interval of error consistency, and how often it shows that two
            observers err alike, by trials.
"""

import argparse
import time

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike.alignment.intervals import interval, jackknife_error
from humanlike.canonical.geometry import LANDMARKS
from humanlike.canonical.masks import ekman_mask
from humanlike.expressions import EXPRESSIONS
from humanlike.people import behaviour, clicks
from humanlike.people.observers import Observer, places, textbook_attention, uncover
from humanlike.progress import bar

SIDE, RADIUS = 224, 18.0
PAIRS = (("anger", "disgust"), ("fear", "surprise"), ("happiness", "sadness"))
ATTENTION = {label: textbook_attention(label) for label in EXPRESSIONS}


class Faces:
    """Faces of an expression, each with landmarks of its own."""

    def __init__(self, number: int, rng: np.random.Generator) -> None:
        moved = [LANDMARKS * 0.75 + (28, 8) + rng.normal(0, 2, (68, 2)) for _ in range(number)]
        self.landmarks = moved
        self.places = [places(landmarks, SIDE) for landmarks in moved]


def study(
    observers: int,
    faces: Faces,
    labels: tuple[str, ...],
    rng: np.random.Generator,
    **mind: float,
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """Every observer's trial with every face of every expression, and its map."""
    rows, maps = [], []
    for number in range(observers):
        observer = Observer(ATTENTION, **mind)
        for label in labels:
            pair = next(pair for pair in PAIRS if label in pair)
            for face, where in enumerate(faces.places):
                done = uncover(observer, label, pair, where, RADIUS, rng)
                rows.append((f"o{number}", label, face, *pair, int(done.response == label)))
                discs = done.clicks[:, [0, 1, 3]]
                maps.append(clicks.trial_map(discs, faces.landmarks[face], SIDE))
    columns = ["observer", "expression", "face", "left", "right", "correct"]
    return pd.DataFrame(rows, columns=columns).astype({"correct": "Int64"}), np.stack(maps)


def recovery(observers: int, trials: int, sensitivity: float, seed: int) -> None:
    """Print how well attention and sensitivity are found again."""
    rng = np.random.default_rng(seed)
    faces = Faces(trials // len(EXPRESSIONS), rng)
    table, maps = study(
        observers, faces, EXPRESSIONS, rng, sensitivity=sensitivity, impatience=0.0, lapse=0.0
    )
    found = {}
    for label in EXPRESSIONS:
        rows = (table["expression"] == label).to_numpy()
        each = clicks.observer_maps(maps[rows], table["observer"].to_numpy(str)[rows])
        truth = clicks.on_grid(ATTENTION[label])
        found[label] = float(clicks.standard(each.mean(axis=0)) @ clicks.standard(truth))
    print(f"recovered map and true map, {observers} observers, {trials} trials each:")
    print("  " + "  ".join(f"{label} {r:.3f}" for label, r in found.items()))
    estimate = behaviour.by_observer(table, table["expression"])["dprime"].mean()
    print(f"d': {estimate:.3f}, true {sensitivity:.3f} ({estimate / sensitivity - 1:+.1%})\n")


def ceiling(studies: int, observers: int, trials: int, seed: int) -> None:
    """Print how often ceiling and interval hold what they are for."""
    rng = np.random.default_rng(seed)
    label = "fear"
    fixed = clicks.on_grid(ekman_mask(label))[None]
    each, ceilings, intervals = [], [], []
    for _ in bar(range(studies), "ceiling", unit="study"):
        faces = Faces(trials, rng)
        table, maps = study(observers, faces, (label,), rng)
        codes = table["observer"].to_numpy(str)
        each.append(clicks.observer_maps(maps, codes))
        ceilings.append(clicks.noise_ceiling(each[-1]))
        intervals.append(of_fixed(fixed, maps, codes, table["face"].to_numpy(str)))
    shared = np.concatenate(each).mean(axis=0)[None]
    truths = [clicks.fits(shared, one).mean() for one in each]
    held = np.mean([c.lower <= t <= c.upper for c, t in zip(ceilings, truths, strict=True)])
    goal = clicks.fits(fixed, np.concatenate(each)).mean()
    covered = np.mean([low <= goal <= high for low, high in intervals])
    lower, upper = np.mean(ceilings, axis=0)
    print(f"{studies} studies of {observers} observers and {trials} trials of {label}:")
    print(f"  noise ceiling {lower:.3f} to {upper:.3f} on average, the shared map reaches")
    print(f"  {np.mean(truths):.3f}; it is within the ceiling in {held:.1%}")
    print(f"  the 95 % interval of a fixed map's agreement holds its mean in {covered:.1%}\n")


def of_fixed(fixed: NDArray, maps: NDArray, codes: NDArray, faces: NDArray) -> tuple[float, float]:
    """The interval of a map's agreement, as the stage `compare` gives it."""
    estimate = clicks.fits(fixed, clicks.observer_maps(maps, codes)).mean()
    left_out = clicks.fits_without(fixed, maps, codes, faces)
    variance = sum(float(jackknife_error(part[0])) ** 2 for part in left_out)
    return interval(estimate, variance**0.5, min(map(len, left_out)) - 1)


def attention(observers: int, trials: int, draws: int, seed: int) -> None:
    """Print reliability and width by observers and trials, drawn from one large study."""
    rng = np.random.default_rng(seed)
    table, maps = study(observers, Faces(trials, rng), ("fear",), rng)
    codes, faces = table["observer"].to_numpy(str), table["face"].to_numpy(int)
    fixed = clicks.on_grid(ekman_mask("fear"))[None]
    rows = []
    for n in (5, 10, 20, 40):
        for t in (2, 5, 10, 20):
            reliable, widths = [], []
            for _ in range(draws):
                some = rng.choice(np.unique(codes), n, replace=False)
                of_faces = rng.choice(trials, t, replace=False)
                chosen = np.isin(codes, some) & np.isin(faces, of_faces)
                each = clicks.observer_maps(maps[chosen], codes[chosen])
                reliable.append(clicks.split_half(each, 50))
                low, high = of_fixed(fixed, maps[chosen], codes[chosen], faces[chosen].astype(str))
                widths.append(high - low)
            rows.append((n, t, np.mean(reliable), np.mean(widths) / 2))
    columns = ["observers", "trials of an expression", "reliability", "agreement +-"]
    print(pd.DataFrame(rows, columns=columns).round(3).to_string(index=False) + "\n")


def consistency(studies: int, seed: int) -> None:
    """Print the width of the interval of kappa, and how often it leaves out 0."""
    rng = np.random.default_rng(seed)
    p, q = 0.8, 0.75
    rows = []
    for n in (50, 100, 200, 400, 800, 1600):
        for kappa in (0.1, 0.2, 0.4):
            both = p * q + kappa * (p * (1 - q) + q * (1 - p)) / 2
            cells = [both, p - both, q - both, 1 - p - q + both]
            found = [
                behaviour.error_consistency(drawn < 2, drawn % 2 == 0, 500, number)
                for number, drawn in enumerate(rng.choice(4, (studies, n), p=cells))
            ]
            width = np.mean([one.high - one.low for one in found]) / 2
            rows.append((n, kappa, width, np.mean([one.low > 0 for one in found])))
    columns = ["trials", "kappa", "interval +-", "power"]
    print(pd.DataFrame(rows, columns=columns).round(3).to_string(index=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--observers", type=int, default=40)
    parser.add_argument("--trials", type=int, default=60, help="of each observer")
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    start = time.process_time()
    recovery(asked.observers, asked.trials, 1.8, asked.seed)
    ceiling(asked.studies, 8, 5, asked.seed)
    attention(40, 20, 10, asked.seed)
    consistency(asked.studies, asked.seed)
    print(f"\n{time.process_time() - start:.0f} s of processor time")


if __name__ == "__main__":
    main()

"""Every method of explanation on the same networks and faces, whose answer is known."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from humanlike.alignment import planted
from humanlike.alignment.similarity import similarity
from humanlike.canonical.geometry import rescale_landmarks
from humanlike.canonical.warp import warp
from humanlike.explainers import faithfulness
from humanlike.explainers.cells import cells
from humanlike.explainers.importance import importance
from humanlike.explainers.methods import METHODS
from humanlike.networks.inputs import network_images
from humanlike.progress import bar
from humanlike.validation.sets import REGIONS, SIZE, Effort, Faces, warped_changes
from humanlike.validation.trial import train_pair

if TYPE_CHECKING:
    import keras

#: What each method is told; their own defaults are the published settings.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "lime": {"samples": 256, "sampling": "paired", "superpixels": 100, "emulate": True},
    "kernelshap": {"samples": 512, "superpixels": 100},
    "rise": {"masks": 1000},
    "extremal": {"iterations": 200, "fast": True},
}

#: Maps that know nothing, and that know everything, on the grid that faces are taken apart by.
REFERENCES = ("random", "oracle")


@dataclass(frozen=True)
class Compared:
    """What is found in one set."""

    table: pd.DataFrame  #: a row a method, and one for each of `REFERENCES`
    sanity: pd.DataFrame  #: columns seed, region, method, layer, similarity; see `cascade`
    canonical: dict[str, NDArray[np.floating]]  #: mean heatmap (H, W) of each row


class Explainer:
    """A network, ready for every method."""

    def __init__(self, model: keras.Model) -> None:
        from humanlike.explainers.differentiable import Differentiable

        self._model = model
        self._differentiable = Differentiable(model)
        self.take_weights()

    def take_weights(self) -> None:
        """See the network's weights as they are now; TensorFlow's functions always do."""
        from humanlike.explainers import runtimes
        from humanlike.explainers.hiding import Hiding

        self.predictor = Hiding(runtimes.prepare(self._model, "openvino"))

    def maps(
        self,
        method: str,
        images: NDArray[np.uint8],
        classes: NDArray[np.integer],
        seeds: NDArray[np.integer],
    ) -> NDArray[np.float32]:
        """Positive importance (n, S, S) of faces, as the pipeline averages it."""
        row = METHODS[method]
        network = self._differentiable if row.gradients else self.predictor
        settings = SETTINGS.get(method, {})
        found = row.explain(network, images, classes, seeds, **settings)
        if not row.superpixels:
            return importance(found)
        weights = importance(found.weights)
        return np.stack([w[labels] for w, labels in zip(weights, found.segments, strict=True)])


def compare_set(
    region: str,
    faces: Faces,
    places: Mapping[str, NDArray[np.bool_]],
    methods: Sequence[str],
    seed: int,
    effort: Effort,
    checked: int,
) -> Compared:
    """Train on one set and on its shuffled labels, and explain both with every method.

    Parameters
    ----------
    region, faces
        The region that carries the label, and the set.
    places
        Each region on the canonical face.
    methods
        Keys of `METHODS`.
    seed, effort
    checked
        So many of the explained faces are explained with other seeds too, and with the network's
        layers randomised.
    """

    rng = np.random.default_rng([seed, REGIONS.index(region)])
    pair = train_pair(region, faces, seed, effort, rng)
    told, blind = Explainer(pair.model), Explainer(pair.blind)
    size = told.predictor.size
    images = network_images(pair.faces.images, size)
    changed = network_images(pair.faces.changed, size) >= 128
    classes = pair.faces.labels  # all faces are told rightly
    seeds = np.random.SeedSequence(seed).generate_state(2 * len(images)).reshape(2, -1)
    few = rng.permutation(len(images))[:checked]

    maps, rows = {}, []
    for method in bar(methods, f"explain {region}", unit="method"):
        # The first face also compiles. A busy machine takes more time, but not more processor time.
        one, rest = slice(1), slice(1, None)
        found = [told.maps(method, images[one], classes[one], seeds[0, one])]
        start = time.process_time()
        found.append(told.maps(method, images[rest], classes[rest], seeds[0, rest]))
        seconds = (time.process_time() - start) / (len(images) - 1)
        maps[method] = np.concatenate(found)
        shuffled = blind.maps(method, images, classes, seeds[0])
        again = told.maps(method, images[few], classes[few], seeds[1, few])
        pairs = zip(maps[method][few], again, strict=True)
        rows.append(
            {
                "method": method,
                "shuffled": planted.concentration(shuffled, changed),
                "stability": np.mean([similarity(pair)[0, 1] for pair in pairs]),
                "seconds": seconds,
            }
        )
    grid = np.broadcast_to(cells(size, faithfulness.CELLS), images.shape)
    weights = importance(rng.standard_normal((len(images), faithfulness.CELLS**2), np.float32))
    maps["random"] = weights[:, grid[0]]
    maps["oracle"] = planted.oracle_maps(grid, changed).astype(np.float32)
    rows += [{"method": name} for name in REFERENCES]

    table = pd.DataFrame(rows)
    landmarks = rescale_landmarks(pair.faces.landmarks, SIZE, size)
    canonical = {
        name: np.mean([warp(m, p) for m, p in zip(many, landmarks, strict=True)], axis=0)
        for name, many in maps.items()
    }
    seen = {name: planted.attention(heatmap, places) for name, heatmap in canonical.items()}
    first = [max(seen[name], key=seen[name].__getitem__) for name in table["method"]]
    concentrations = [planted.concentration(maps[name], changed) for name in table["method"]]
    curves = {
        name: faithfulness.area(_curves(told, images, many, classes, seeds[0])).mean(axis=0)
        for name, many in maps.items()
    }
    table.insert(0, "seed", seed)
    table.insert(1, "region", region)
    table.insert(3, "first", first)
    table.insert(4, "concentration", concentrations)
    for place, curve in enumerate(("deletion", "insertion")):
        table.insert(6 + place, curve, [curves[name][place] for name in table["method"]])
    table["accuracy"], table["area"] = pair.accuracies[-1], changed.mean()
    table["canonical_area"] = warped_changes(pair.faces).mean()
    sanity = pd.DataFrame(
        [
            (seed, region, method, layer, value)
            for layer, explainer in cascade(pair.model, seed, effort)
            for method in bar(methods, f"{region}, {layer} at random", unit="method")
            for value in [
                _rank_correlation(
                    maps[method][few],
                    explainer.maps(method, images[few], classes[few], seeds[0, few]),
                )
            ]
        ],
        columns=["seed", "region", "method", "layer", "similarity"],
    )
    return Compared(table, sanity, canonical)


def cascade(model: keras.Model, seed: int, effort: Effort) -> Iterator[tuple[str, Explainer]]:
    """Randomise a network's layers one after another, from the last to the first.

    An explanation of what the network learned must change; see Adebayo et al., "Sanity Checks for
    Saliency Maps", NeurIPS 2018, arXiv 1810.03292 (cascading randomisation).

    Yields
    ------
    The last layer that was randomised, and the network with all from it to the end at random: the
    same object each time, for nothing is to be compiled anew.
    """
    from humanlike.networks.builder import build

    half = build(effort.network, 2, input_scaling="native", seed=seed)
    half.set_weights(model.get_weights())
    fresh = build(effort.network, 2, input_scaling="native", seed=seed + 1)
    explainer = Explainer(half)
    for layer, other in reversed(list(zip(half.layers, fresh.layers, strict=True))):
        if layer.weights:
            layer.set_weights(other.get_weights())
            explainer.take_weights()
            yield layer.name, explainer


def _curves(
    told: Explainer,
    images: NDArray[np.uint8],
    maps: NDArray[np.float32],
    classes: NDArray[np.integer],
    seeds: NDArray[np.integer],
) -> NDArray[np.float32]:
    """Deletion and insertion on the same grid for every method."""
    segments, weights = faithfulness.on_cells(maps)
    return faithfulness.probability_curves(
        told.predictor, images, segments, weights, classes, seeds
    )


def _rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Mean over faces of Spearman's rank correlation; a constant map is like none."""
    found = []
    for one, other in zip(first, second, strict=True):
        constant = np.ptp(one) == 0 or np.ptp(other) == 0
        found.append(0.0 if constant else spearmanr(one.ravel(), other.ravel()).statistic)
    return float(np.mean(found))

"""Extremal perturbations: the masks of given areas that, kept sharp, keep the class best.

Fong, Patrick & Vedaldi, "Understanding Deep Networks via Extremal Perturbations and Smooth Masks",
ICCV 2019, arXiv 1910.08485. The variant that preserves: what the mask leaves out is blurred, and
the class's logit is driven up while the sorted mask is drawn to a step of the asked area.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from humanlike.explainers.differentiable import Differentiable

#: The published settings, at 224 pixels, as shares of the face's side.
STEP, SIGMA, BLUR = 7 / 224, 21 / 224, 20 / 224
ITERATIONS = 800

#: Levels of the blur, and how sharply a mask takes the greatest of the parameters around it.
LEVELS = 8
COLDNESS = 20.0

#: Where all parameters start, and how far from it they may be; see `start_of`.
START, SPREAD = 0.99, 0.01

#: Steps between parameters that are finer than this many pixels are not made coarser.
COARSEST = 4

#: Masks have settled when none has moved by more than this, on average over its points, in any of
#: the last iterations. Stopped so, about half way, they correlate .999 with those at the end.
SETTLED = 1e-3
SETTLED_FOR = 5


@dataclass(frozen=True)
class Settings:
    """How masks are made and optimised, in pixels of the face. The defaults are for 224 pixels."""

    areas: Sequence[float] = (0.025, 0.05, 0.1, 0.2)
    iterations: int = ITERATIONS
    step: int = 7  #: between parameters
    sigma: float = 21  #: how far a parameter reaches
    blur: float = 20  #: standard deviation of the strongest blur
    learning_rate: float = 0.01
    momentum: float = 0.9  #: and dampening
    weight: float = 300  #: of the area term in the first iteration
    growth: float = 1.0035  #: of that weight, at each iteration
    canvas: bool = False  #: areas are shares of the mask's canvas, margins included, as published
    points: int | None = None  #: of the mask in a step between parameters; None: one a pixel
    settle: bool = False  #: stop when the masks have settled
    compiled: bool = False  #: let XLA compile the masks


def settings_for(size: int, areas: Sequence[float], iterations: int, fast: bool) -> Settings:
    """Scale the published settings to a face's size and to a number of iterations.

    With fewer iterations than 800 the learning rate and the growth of the area term's weight rise,
    and the momentum falls, so that each iteration does what several would. The fast form stops when
    the masks have settled, and makes them at half the resolution where parameters lie far apart.
    """
    step = max(round(STEP * size), 1)
    rate = ITERATIONS / iterations
    published = Settings()
    return Settings(
        areas=tuple(areas),
        iterations=iterations,
        step=step,
        sigma=SIGMA * size,
        blur=BLUR * size,
        learning_rate=rate * published.learning_rate,
        momentum=published.momentum**rate,
        growth=published.growth**rate,
        points=-(-step // 2) if fast and step > COARSEST else None,
        settle=fast,
        compiled=fast,
    )


def explain(
    network: Differentiable,
    images: NDArray[np.uint8],
    classes: NDArray[np.integer],
    *,
    areas: Sequence[float] = (0.025, 0.05, 0.1, 0.2),
    iterations: int = ITERATIONS,
    fast: bool = False,
) -> NDArray[np.float32]:
    """Average each face's masks of all areas: the smaller the mask that keeps a pixel, the better.

    Parameters
    ----------
    network, images, classes
        As of every method, see `humanlike.explainers.methods`.
    areas
        Of the masks, as shares of the picture.
    iterations
        800 as published; see `settings_for`.
    fast
        Coarser masks, enlarged linearly, and an end as soon as they have settled.

    Returns
    -------
    (n, S, S) float32 in [0, 1]
    """
    settings = settings_for(images.shape[-1], areas, iterations, fast)
    found = np.zeros(images.shape, np.float32)
    for face, (image, label) in enumerate(zip(images, classes, strict=True)):
        start = start_of(network, image, int(label), settings)
        found[face] = optimise(network, image, int(label), start, settings).masks.mean(axis=0)
    return found


def start_of(
    network: Differentiable, image: NDArray[np.uint8], label: int, settings: Settings
) -> NDArray[np.float32]:
    """Let the network say which parts of the face it would keep first.

    Where all parameters are the same, as in the published start, whole regions of the mask tie, and
    the order of sorting decides which of them the area term keeps; where they are random, chance
    does, and a network whose logits are small beside that term cannot change it any more. So they
    start in the order of the logit's gradient by them.

    Returns
    -------
    (areas, g, g) float32
        Within `SPREAD` of `START`.
    """
    import tensorflow as tf

    side = -(-len(image) // settings.step)
    even = tf.fill((len(settings.areas), side, side), START)
    levels, none = tf.constant(pyramid(image, settings.blur)), tf.constant(0.0)
    _, _, gradient = _iteration(network, settings)(levels, tf.constant(label), none, even)
    kept = -gradient.numpy()
    greatest = np.abs(kept).max(axis=(1, 2), keepdims=True)
    order = np.divide(kept, greatest, out=np.zeros_like(kept), where=greatest > 0)
    return (START + SPREAD * order).astype(np.float32)


class Optimised(NamedTuple):
    """The masks of one face."""

    masks: NDArray[np.float32]  #: (areas, S, S) in [0, 1], those that the last iteration looked at
    parameters: NDArray[np.float32]  #: (areas, g, g) in [0, 1], after its update
    history: NDArray[np.float32]  #: (areas, 2, iterations), reward and area term, before updates


def optimise(
    network: Differentiable,
    image: NDArray[np.uint8],
    label: int,
    start: NDArray[np.float32],
    settings: Settings,
) -> Optimised:
    """Climb from a start to the masks of one face, those of all areas at a time.

    Parameters
    ----------
    network
    image : (S, S) uint8
    label
        The class to keep.
    start : (areas, g, g) float32
        Parameters in [0, 1], a row and column for each step of the face's side.
    settings

    Returns
    -------
    Optimised
    """
    import tensorflow as tf

    iterate = _iteration(network, settings)
    levels = tf.constant(pyramid(image, settings.blur))
    parameters, velocity = tf.constant(start), tf.zeros(start.shape)
    history, previous, calm = [], None, 0
    for number in range(settings.iterations):
        weight = tf.constant(settings.weight * settings.growth**number, tf.float32)
        coarse, terms, gradient = iterate(levels, tf.constant(label), weight, parameters)
        history.append(terms.numpy())
        # The first velocity is the gradient itself: dampening begins with the second.
        dampening = settings.momentum if number else 0.0
        velocity = settings.momentum * velocity + (1 - dampening) * gradient
        parameters = tf.clip_by_value(parameters - settings.learning_rate * velocity, 0, 1)
        if settings.settle:
            now = coarse.numpy()
            if previous is not None:
                moved = np.abs(now - previous).mean(axis=(1, 2)).max()
                calm = calm + 1 if moved < SETTLED else 0
            previous = now
            if calm == SETTLED_FOR:
                break
    masks = _masks_of(settings, len(image)).enlarged(coarse)
    return Optimised(masks.numpy(), parameters.numpy(), np.stack(history, axis=-1))


class Masks:
    """Masks (a, S, S) of parameters (a, g, g), smooth at the parameters' reach.

    Every point of a mask takes the parameters around its cell, each times a kernel that falls with
    its distance, and is their smooth maximum. The points lie evenly in the cells, `points` along a
    side; with as many as the cell has pixels, they are the pixels.

    Parameters
    ----------
    size
        Side of the face in pixels.
    settings
    """

    def __init__(self, size: int, settings: Settings) -> None:
        step, sigma = settings.step, settings.sigma
        self._size, self._points = size, settings.points or step
        self._whole = self._points == step
        side = -(-size // step)
        reach = int(np.ceil(sigma / step)) + 1
        margin = round(sigma) if settings.canvas else 0
        first = -margin // step
        last = ((side - 1) * step + margin) // step if settings.canvas else side - 1
        self._pad = (reach - first, last + reach - (side - 1))
        self._cells, self._around = last - first + 1, 2 * reach + 1
        #: What of the points the area is a share of: the canvas, or the picture.
        begin = -margin - first * step
        length = (side - 1) * step + 2 * margin + 1 if settings.canvas else size
        self.counted = slice(begin, begin + length) if self._whole else slice(None)
        self._picture = slice(-first * step, -first * step + size)

        place = (np.arange(self._points) + 0.5) * step / self._points - 0.5
        away = place[:, None] - step * np.arange(-reach, reach + 1)  # (points, around)
        distance = np.hypot(away[:, None, :, None], away[None, :, None, :])
        kernel = np.exp(-2 * np.maximum(distance / sigma - 0.5, 0) ** 2)
        self._kernel = kernel.reshape(self._points**2, -1).T.astype(np.float32)

    def __call__(self, parameters: Any) -> Any:
        """The masks at their points, (a, points, points), beyond the picture too."""
        import tensorflow as tf

        padded = tf.pad(parameters, [(0, 0), self._pad, self._pad])
        around, cells, points = range(self._around), self._cells, self._points
        patches = tf.stack(
            [padded[:, y : y + cells, x : x + cells] for y in around for x in around], axis=-1
        )
        weighted = patches[..., None] * self._kernel
        greatest = tf.reduce_sum(weighted * tf.nn.softmax(COLDNESS * weighted, axis=3), axis=3)
        masks = tf.reshape(greatest, (-1, cells, cells, points, points))
        masks = tf.reshape(
            tf.transpose(masks, (0, 1, 3, 2, 4)), (-1, cells * points, cells * points)
        )
        return tf.clip_by_value(masks, 0, 1)

    def enlarged(self, masks: Any) -> Any:
        """The picture's part of masks at their points, (a, S, S)."""
        if self._whole:
            return masks[:, self._picture, self._picture]
        few = self._cells * self._points
        step = self._size / few
        places = ((np.arange(self._size) + 0.5) / step - 0.5).clip(0, few - 1)
        line = np.maximum(1 - np.abs(places[:, None] - np.arange(few)), 0).astype(np.float32)
        return line @ masks @ line.T


def pyramid(image: NDArray[np.uint8], blur: float) -> NDArray[np.float32]:
    """Blur a face (S, S) to `LEVELS` levels (LEVELS, S, S), from the most to none.

    A Gaussian cut at 4 standard deviations; black surrounds the face.
    """
    levels = []
    for deviation in np.linspace(blur, 0, LEVELS):
        reach = int(np.ceil(4 * deviation))
        places = np.arange(-reach, reach + 1)
        kernel = np.exp(-0.5 * (places / deviation) ** 2) if deviation else np.ones(1)
        blurred = image.astype(float)
        for axis in (0, 1):
            blurred = correlate1d(blurred, kernel / kernel.sum(), axis, mode="constant")
        levels.append(blurred)
    return np.array(levels, np.float32)


def blurred_by(masks: Any, levels: Any) -> Any:
    """Pictures (a, S, S) that are the sharper the nearer a mask (a, S, S) is to 1.

    A mask's value picks a level of the pyramid (LEVELS, S, S), linearly between two.
    """
    import tensorflow as tf

    place = masks * (LEVELS - 1)
    below = tf.clip_by_value(tf.floor(place), 0, LEVELS - 2)
    picture = tf.zeros_like(masks)
    for number in range(LEVELS - 1):
        between = levels[number] + (place - number) * (levels[number + 1] - levels[number])
        picture += tf.where(below == number, between, 0.0)
    return picture


def area_terms(masks: Any, areas: Sequence[float]) -> Any:
    """How far sorted masks (a, h, w) are from steps of the areas: mean square, (a,)."""
    import tensorflow as tf

    count = masks.shape[1] * masks.shape[2]
    ranked = tf.sort(tf.reshape(masks, (-1, count)), axis=1)
    steps = np.array([np.arange(count) >= int(count * (1 - area)) for area in areas], np.float32)
    return tf.reduce_mean((ranked - steps) ** 2, axis=1)


@lru_cache(maxsize=2)
def _masks_of(settings: Settings, size: int) -> Masks:
    return Masks(size, settings)


@lru_cache(maxsize=2)
def _iteration(network: Differentiable, settings: Settings) -> Callable[..., Any]:
    """Trace ``(levels, label, weight, parameters) -> (masks, terms, gradient)``.

    The masks are those at their points, the terms (areas, 2) reward and area term, the gradient
    (areas, g, g) that of their negative sum by the parameters.
    """
    import tensorflow as tf

    masks_of = _masks_of(settings, network.size)
    compiled = partial(tf.function, jit_compile=True if settings.compiled else None)
    make = compiled(masks_of)
    show = compiled(lambda masks, levels: blurred_by(masks_of.enlarged(masks), levels))

    @tf.function
    def iterate(levels: Any, label: Any, weight: Any, parameters: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            masks = make(parameters)
            forward = network.forward(show(masks, levels))
            reward = network.score(forward, tf.fill((len(settings.areas),), label), "logit")
            counted = masks[:, masks_of.counted, masks_of.counted]
            area = -weight * area_terms(counted, settings.areas)
            energy = -tf.reduce_sum(reward + area)
        return masks, tf.stack([reward, area], axis=1), tape.gradient(energy, parameters)

    return iterate

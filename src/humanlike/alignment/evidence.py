"""Where in the face the expressions differ, measured on the photographs themselves.

No network and no theory is asked. Within a person, the pictures of one expression are held against
those of the others; what differs there by more than pictures of one expression do, in the same
places in person after person, is evidence that a network, or a human, could use.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH
from humanlike.canonical.warp import warp

#: Landmarks (numbered from 0) that lie on bone and keep their place whatever the face does: the
#: corners of the eyes and the bridge of the nose.
STABLE = (36, 39, 42, 45, 27, 28, 29, 30)

#: Pictures of an expression in one pool of strangers, and the most pools.
_POOL, _MOST_POOLS = 5, 50


def local_contrast(image: NDArray[np.uint8], width: float) -> NDArray[np.float32]:
    """Take the light out of a picture: each pixel against its surroundings, in their spread.

    Parameters
    ----------
    image : (S, S) uint8
    width : float
        Standard deviation of the Gaussian surroundings, in pixels.

    Returns
    -------
    (S, S) float32
        Standard scores; a spread below a twentieth of white counts as that, so that the grain of
        an even patch stays small.
    """
    x = image.astype(np.float32) / 255
    mean = cv2.GaussianBlur(x, (0, 0), width)
    variance = cv2.GaussianBlur(x * x, (0, 0), width) - mean * mean
    return np.asarray((x - mean) / np.sqrt(np.maximum(variance, 0) + 0.05**2), np.float32)


def similarity_transform(
    points: NDArray[np.floating], target: NDArray[np.floating]
) -> NDArray[np.float64]:
    """The turn, scaling and shift that carry points nearest to others (least squares).

    Parameters
    ----------
    points, target : (n, 2) arrays
        x and y; not all points in one place.

    Returns
    -------
    (2, 3) float64
        ``points @ m[:, :2].T + m[:, 2]`` is nearest to `target`. In the plane the solution of
        Procrustes' problem (Gower 1975, doi 10.1007/BF02291478) is a quotient of complex numbers.
    """
    centre, goal = points.mean(axis=0), target.mean(axis=0)
    source, wanted = ((p - c) @ (1, 1j) for p, c in ((points, centre), (target, goal)))
    turn = np.vdot(source, wanted) / np.vdot(source, source).real
    rotation = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([rotation, goal - rotation @ centre])


def register(
    images: NDArray[np.uint8], landmarks: NDArray[np.floating]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Lay the pictures of one person over each other by what no muscle moves.

    Aligned faces are scaled by the distance from eyes to mouth, which a dropped jaw changes; here
    the `STABLE` landmarks meet, and all that still differs is expression, light and noise.

    Parameters
    ----------
    images : (n, S, S) uint8
    landmarks : (n, 68, 2)

    Returns
    -------
    images : (n, S, S) uint8
    landmarks : (n, 68, 2) float32
    """
    stable = landmarks[:, STABLE]
    target = stable.mean(axis=0)
    moved, points = np.empty_like(images), np.empty(landmarks.shape, np.float32)
    for i, image in enumerate(images):
        transform = similarity_transform(stable[i], target)
        moved[i] = cv2.warpAffine(
            np.ascontiguousarray(image), transform, image.shape, borderMode=cv2.BORDER_REPLICATE
        )
        points[i] = landmarks[i] @ transform[:, :2].T + transform[:, 2]
    return moved, points


def differences(
    images: NDArray[np.uint8],
    landmarks: NDArray[np.floating],
    labels: NDArray[np.str_],
    expressions: Sequence[str],
    against: str = "others",
    contrast: float = 0.05,
    smoothing: float = 0.015,
) -> NDArray[np.float32]:
    """How far each place of one person's face is from the same person's other expressions.

    The squared difference of the mean pictures of two expressions, less what chance alone puts
    there: the variance among the person's pictures of one expression, divided by their numbers.
    Without that variance (one picture of each expression) nothing is subtracted.

    Parameters
    ----------
    images : (n, S, S) uint8
        One person's aligned faces.
    landmarks : (n, 68, 2)
        In their pixels.
    labels : (n,) str
    expressions : E str
        Those to make maps of.
    against : "others" or an expression
        All other `expressions`, averaged, or one label, such as neutral.
    contrast, smoothing : float
        Standard deviations, as shares of the side: of the surroundings in `local_contrast`, and of
        the Gaussian that the maps are smoothed with.

    Returns
    -------
    (E, HEIGHT, WIDTH) float32
        On the canonical face, each map carried by the landmarks of that expression's faces. NaN for
        an expression that the person lacks, or has nothing to be held against.
    """
    side = images.shape[-1]
    images, landmarks = register(images, landmarks)
    scores = np.stack([local_contrast(image, contrast * side) for image in images])
    # In one order always: sums of floats depend on it.
    rows = {label: np.flatnonzero(labels == label) for label in (*expressions, against)}
    rows = {label: found for label, found in rows.items() if len(found)}
    means = {label: scores[found].mean(axis=0) for label, found in rows.items()}
    spare = sum(len(found) - 1 for found in rows.values())
    within = np.float32(0)
    if spare:
        squares = sum(((scores[f] - means[label]) ** 2).sum(axis=0) for label, f in rows.items())
        within = squares / spare
    maps = np.full((len(expressions), HEIGHT, WIDTH), np.nan, np.float32)
    for number, label in enumerate(expressions):
        others = expressions if against == "others" else [against]
        others = [other for other in others if other in rows and other != label]
        if label not in rows or not others:
            continue
        chance = within / len(rows[label])
        squared = [(means[label] - means[o]) ** 2 - chance - within / len(rows[o]) for o in others]
        smooth = cv2.GaussianBlur(np.mean(squared, axis=0), (0, 0), smoothing * side)
        maps[number] = warp(smooth, landmarks[rows[label]].mean(axis=0))
    return maps


def pools(
    subjects: NDArray[np.str_], labels: NDArray[np.str_], seed: int
) -> tuple[NDArray[np.int64], bool]:
    """Who is held against whom: each person alone or, where nobody is seen twice, pools.

    Where no person shows two expressions, strangers are dealt at random to pools of about five
    pictures of each expression, and a pool stands for a person: what persons differ by is then part
    of the variance within an expression, and taken off with it.

    Parameters
    ----------
    subjects, labels : (n,) str
    seed : int

    Returns
    -------
    number : (n,) int64
        The person or pool of each picture, from 0.
    pooled : bool
    """
    pairs = np.unique(np.column_stack([subjects, labels]), axis=0)
    if len(np.unique(pairs[:, 0])) < len(pairs):
        return np.unique(subjects, return_inverse=True)[1].astype(np.int64), False
    rng = np.random.default_rng(seed)
    present, counts = np.unique(labels, return_counts=True)
    number = int(np.clip(counts.min() // _POOL, 2, _MOST_POOLS))
    dealt = np.empty(len(labels), np.int64)
    for label in present:
        rows = np.flatnonzero(labels == label)
        dealt[rows] = rng.permutation(len(rows)) % number
    return dealt, True


class Effect:
    """A standardised effect over persons, pixel by pixel, in memory that does not grow with them.

    The mean over the standard deviation (Cohen's d of one sample), with the deviation's median over
    the face added in quadrature: else a place where next to nothing varies, and next to nothing
    differs, would come first. It is the fudge factor of Tusher, Tibshirani & Chu (2001), doi
    10.1073/pnas.091062498.
    """

    def __init__(self, expressions: int) -> None:
        shape = (expressions, HEIGHT, WIDTH)
        self.count = np.zeros(expressions, np.int64)  #: persons behind each map
        self._mean, self._squares = np.zeros(shape), np.zeros(shape)

    def add(self, maps: NDArray[np.float32]) -> None:
        """Take in one person's maps (E, HEIGHT, WIDTH); NaN ones are passed over.

        Welford (1962), doi 10.1080/00401706.1962.10490022.
        """
        for number, values in enumerate(maps):
            if np.isnan(values[0, 0]):
                continue
            self.count[number] += 1
            off = values - self._mean[number]
            self._mean[number] += off / self.count[number]
            self._squares[number] += off * (values - self._mean[number])

    def maps(self) -> NDArray[np.float32]:
        """The effects (E, HEIGHT, WIDTH), at least 0, 0 off the face, NaN for under two persons."""
        face = face_region()
        result = np.full(self._mean.shape, np.nan, np.float32)
        for number in np.flatnonzero(self.count > 1):
            variance = self._squares[number] / (self.count[number] - 1)
            floor = np.median(np.sqrt(variance[face]))
            spread = np.sqrt(variance + floor**2)
            effect = np.divide(self._mean[number], spread, where=spread > 0, out=0 * spread)
            result[number] = np.where(face, np.maximum(effect, 0), 0)
        return result


def face_region() -> NDArray[np.bool_]:
    """What counts as face on the canonical canvas: from the jaw to above the brows.

    Hair, neck and background lie elsewhere in every picture, and would differ by that alone.

    Returns
    -------
    (HEIGHT, WIDTH) bool
        The convex hull of jaw and brows, these also moved up by as much as they stand above the
        eyes.
    """
    brows, eyes = LANDMARKS[17:27], LANDMARKS[36:48]
    above = brows - (0, round(eyes[:, 1].mean() - brows[:, 1].mean()))
    outline = cv2.convexHull(np.vstack([LANDMARKS[:17], brows, above]).astype(np.int32))
    return cv2.fillConvexPoly(np.zeros((HEIGHT, WIDTH), np.uint8), outline, (1,)) > 0


def reliability(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """Split-half reliability of each map: how well other people would give the same one.

    The correlation r of two halves' maps over the face, stepped up to the whole: 2r / (1 + r)
    (Spearman 1910, Brown 1910).

    Parameters
    ----------
    first, second : (E, HEIGHT, WIDTH) float32
        Of different people. NaN maps give NaN, and so do constant ones.

    Returns
    -------
    (E,) float64, at most 1
    """
    face = face_region()
    with np.errstate(divide="ignore", invalid="ignore"):
        halves = zip(first, second, strict=True)
        r = np.array([np.corrcoef(a[face], b[face])[0, 1] for a, b in halves])
        return 2 * r / (1 + r)


def each_group(numbers: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The positions of each group's members, group after group."""
    order = np.argsort(numbers, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)

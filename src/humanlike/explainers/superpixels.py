"""A face cut into superpixels, the parts that LIME hides and shows."""

import numpy as np
from skimage.color import gray2rgb, rgb2lab
from skimage.segmentation import slic
from sklearn.cluster import AgglomerativeClustering

from humanlike.errors import HumanlikeError

#: Superpixels that 8 bits can number.
MOST = 256


def superpixels(image: np.ndarray, n_segments: int, compactness: float) -> np.ndarray:
    """Cut a gray image into SLIC superpixels.

    SLIC begins with a square grid of about as many cells and joins small fragments to others, so
    that it finds more or fewer than it is asked for. Where it finds more than `MOST`, it is asked
    for fewer. Where it finds a single one, as it always does for 2, nothing could be compared: it
    is asked for 4 or more, of a compactness that gives them, and of those the neighbours that are
    most alike are joined until as many are left as were asked for.

    Parameters
    ----------
    image : (S, S) uint8
        Gray face, 0 black to 255 white.
    n_segments : int
        Number of superpixels asked for, 1 to `MOST`. The true number varies with the image.
    compactness : float
        Weight of nearness against likeness of gray, above 0; more gives squarer superpixels.

    Returns
    -------
    (S, S) uint8
        Superpixel of each pixel, numbered from 0 without gaps.

    Raises
    ------
    HumanlikeError
        If more than `MOST` are asked for.

    References
    ----------
    Achanta et al., "SLIC Superpixels Compared to State-of-the-Art Superpixel Methods", IEEE TPAMI
    34 (2012), doi 10.1109/TPAMI.2012.120.
    """
    if n_segments > MOST:
        raise HumanlikeError(f"{n_segments} superpixels are asked for, and at most {MOST} can be")
    # LIME shows SLIC an RGB image, whose distances are those of CIELAB.
    rgb = gray2rgb(image)
    asked, labels = n_segments, _slic(rgb, n_segments, compactness)
    while (found := labels.max() + 1) > MOST:
        asked = min(asked - 1, asked * MOST // found)
        labels = _slic(rgb, asked, compactness)
    if n_segments > 1 and found == 1:
        while labels.max() == 0:
            labels = _slic(rgb, max(n_segments, 4), compactness)
            compactness *= 10
        if labels.max() >= n_segments:
            labels = _joined(labels, rgb, n_segments)
    return labels.astype(np.uint8)


def _slic(rgb: np.ndarray, n_segments: int, compactness: float) -> np.ndarray:
    labels = slic(rgb, n_segments=n_segments, compactness=compactness, start_label=0)
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)


def _joined(labels: np.ndarray, rgb: np.ndarray, n: int) -> np.ndarray:
    """Join superpixels, always neighbours, to n of least variance of gray and place (Ward's)."""
    side = len(labels)
    pixels = np.stack([rgb2lab(rgb)[..., 0] / 100, *(np.indices(labels.shape) / side)])
    sizes = np.bincount(labels.ravel())
    middles = np.stack([np.bincount(labels.ravel(), pixel.ravel()) / sizes for pixel in pixels], 1)
    beside = np.zeros((len(sizes), len(sizes)), bool)
    for one, other in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        beside[one, other] = beside[other, one] = True
    joined = AgglomerativeClustering(n, connectivity=beside).fit_predict(middles)
    return np.unique(joined[labels], return_inverse=True)[1].reshape(labels.shape)

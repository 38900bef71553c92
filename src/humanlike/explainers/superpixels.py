"""A face cut into superpixels, the parts that LIME hides and shows."""

import numpy as np
from skimage.segmentation import slic

from humanlike.errors import HumanlikeError


def superpixels(image: np.ndarray, n_segments: int, compactness: float) -> np.ndarray:
    """Cut a gray image into SLIC superpixels.

    Parameters
    ----------
    image : (S, S) uint8
        Gray face, 0 black to 255 white.
    n_segments : int
        Number of superpixels asked for, at least 1. The true number varies with the image.
    compactness : float
        Weight of nearness against likeness of gray, above 0; more gives squarer superpixels.

    Returns
    -------
    (S, S) uint8
        Superpixel of each pixel, numbered from 0 without gaps.

    Raises
    ------
    HumanlikeError
        If there are more than 256 superpixels.

    References
    ----------
    Achanta et al., "SLIC Superpixels Compared to State-of-the-Art Superpixel Methods", IEEE TPAMI
    34 (2012), doi 10.1109/TPAMI.2012.120.
    """
    # LIME shows SLIC an RGB image, whose distances are those of CIELAB.
    rgb = np.repeat(image[..., None], 3, axis=-1)
    labels = slic(rgb, n_segments=n_segments, compactness=compactness, start_label=0)
    _, labels = np.unique(labels, return_inverse=True)
    if labels.max() > 255:
        raise HumanlikeError(
            f"the face has {labels.max() + 1} superpixels, and at most 256 can be explained:"
            " ask for fewer"
        )
    return labels.reshape(image.shape).astype(np.uint8)

"""Noise that makes a person's skin, hair and brows their own."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from humanlike.synthesis.canvas import HEIGHT, WIDTH, Array, X, Y, blurred
from humanlike.synthesis.identity import Identity


@dataclass(frozen=True)
class Textures:
    """Noise that belongs to a person and stays in place when the expression changes."""

    pores: Array  #: (H, W), standard normal, fine
    mottling: Array  #: (H, W), standard normal, coarse
    strands: Array  #: (H, W), standard normal, drawn out along the hair
    brow_hairs: npt.NDArray[np.float64]  #: (2, n, 2) in [0, 1]: along and across each brow


@lru_cache(maxsize=4)
def textures(identity: Identity) -> Textures:
    """The textures of ``identity``, kept for the next face of the same person."""
    rng = np.random.default_rng(identity.texture_seed)

    def clouds(sigma: float) -> Array:
        noise = blurred(rng.standard_normal((HEIGHT, WIDTH)).astype(np.float32), sigma)
        return noise / noise.std()

    return Textures(
        pores=clouds(0.010),
        mottling=clouds(0.08),
        strands=_strands(rng, identity.hair_part),
        brow_hairs=rng.random((2, 150, 2)),
    )


def _strands(rng: np.random.Generator, part: float) -> Array:
    """Noise in polar coordinates about the parting: lines that run away from it."""
    noise = rng.standard_normal((48, 900)).astype(np.float32)
    fine = cv2.GaussianBlur(noise, (0, 0), sigmaX=1.0, sigmaY=9)
    broad = cv2.GaussianBlur(noise, (0, 0), sigmaX=5.0, sigmaY=16)
    noise = fine / fine.std() + broad / broad.std()
    x, y = np.meshgrid(X - np.float32(part), Y + np.float32(0.55))
    angle = np.mod(np.arctan2(y, x) + np.pi / 2, 2 * np.pi) / (2 * np.pi) * (noise.shape[1] - 1)
    radius = np.clip(np.hypot(x, y) / 2.2, 0, 1) * (noise.shape[0] - 1)
    return cv2.remap(noise, angle, radius.astype(np.float32), cv2.INTER_LINEAR) / 2**0.5

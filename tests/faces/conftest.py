import numpy as np
import pytest
from numpy.typing import NDArray

from humanlike.synthesis.render import Face
from humanlike.synthesis.sample import draw_sample


@pytest.fixture(scope="session")
def drawn_faces() -> list[Face]:
    """Seven expressions of two subjects, with their true landmarks."""
    return [sample.face for sample in draw_sample(subjects=2, images_per_expression=1, seed=7)]


@pytest.fixture(scope="session")
def face(drawn_faces: list[Face]) -> NDArray[np.uint8]:
    """One photograph, 256×256."""
    return drawn_faces[0].image

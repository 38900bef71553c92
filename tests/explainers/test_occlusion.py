import numpy as np
import pytest

from humanlike.explainers import kernelshap, occlusion
from humanlike.explainers.hiding import Hiding
from humanlike.explainers.importance import importance
from humanlike.explainers.runtimes import prepare


@pytest.mark.parametrize("runtime", ["tensorflow", "openvino"])
def test_occlusion_is_captums(golden, kind, runtime):
    network = Hiding(prepare(golden.models[kind], runtime))
    found = occlusion.explain(network, golden.images, golden.classes, cells=8, window=2)
    np.testing.assert_allclose(found, golden[f"{kind}_occlusion"], rtol=0, atol=1e-5)


def test_windows_worked_by_hand():
    found = occlusion.windows(3, 2).reshape(4, 3, 3)
    np.testing.assert_array_equal(found[1], [[0, 1, 1], [0, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(found.sum(axis=0), [[1, 2, 1], [2, 4, 2], [1, 2, 1]])


class Constant:
    """A network that always answers the same, but for the last bits of its float32."""

    def probabilities(self, images, segments, design):
        last_place = np.random.default_rng(0).integers(-2, 3, design.shape[:2])
        one = np.float32(0.97) + (last_place * np.spacing(np.float32(0.97))).astype(np.float32)
        return np.stack([one, 1 - one], axis=-1)


def test_rounding_is_no_loss(images):
    """It must not be scaled up to importance 1; LIME has a test of its own."""
    classes = np.zeros(len(images), int)
    maps = occlusion.explain(Constant(), images, classes)
    shares = kernelshap.explain(Constant(), images, classes, seeds=classes, samples=512).weights
    for found in (maps, shares):
        assert (importance(found) == 0).all()

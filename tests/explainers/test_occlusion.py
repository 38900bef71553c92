import numpy as np
import pytest

from humanlike.explainers import occlusion
from humanlike.explainers.hiding import Hiding
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

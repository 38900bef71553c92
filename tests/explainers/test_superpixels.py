import numpy as np
import pytest
from lime.wrappers.scikit_image import SegmentationAlgorithm

from humanlike.errors import HumanlikeError
from humanlike.explainers.superpixels import superpixels


@pytest.fixture
def image():
    y, x = np.mgrid[:64, :64]
    noise = np.random.default_rng(0).normal(0, 10, (64, 64))
    return np.clip(128 + 60 * np.sin(x / 9) * np.cos(y / 7) + noise, 0, 255).astype(np.uint8)


def test_equals_the_lime_package_segmentation(image):
    package = SegmentationAlgorithm("slic", n_segments=30, compactness=20, start_label=0)
    found = superpixels(image, 30, 20)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, package(np.stack([image] * 3, axis=-1)))


@pytest.mark.parametrize("n_segments", [1, 2, 30, 200])
def test_labels_start_at_zero_without_gaps(image, n_segments):
    found = superpixels(image, n_segments, 20)
    assert np.unique(found).tolist() == list(range(found.max() + 1))
    assert found.max() < 1.5 * n_segments


def test_a_black_image_is_cut_too():
    assert superpixels(np.zeros((64, 64), np.uint8), 30, 20).max() > 0


def test_too_many_superpixels_are_refused(image):
    with pytest.raises(HumanlikeError, match="at most 256"):
        superpixels(image, 900, 20)

import numpy as np
import pytest
from lime.wrappers.scikit_image import SegmentationAlgorithm
from scipy.ndimage import label

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
    assert np.unique(found).tolist() == list(range(int(found.max()) + 1))
    assert found.max() < 1.5 * n_segments


def test_a_black_image_is_cut_too():
    assert superpixels(np.zeros((64, 64), np.uint8), 30, 20).max() > 0


def pictures(size):
    """What SLIC joins to one superpixel, cuts unevenly, and cuts into its grid."""
    x = np.arange(size)
    return {
        "noise": np.random.default_rng(0).integers(0, 256, (size, size)).astype(np.uint8),
        "halves": np.where(x < size // 3, 20, 220).astype(np.uint8)[None].repeat(size, 0),
        "black": np.zeros((size, size), np.uint8),
        "slope": np.linspace(0, 255, size).astype(np.uint8)[None].repeat(size, 0),
    }


@pytest.mark.parametrize("compactness", [0.01, 20, 1e6])
@pytest.mark.parametrize("size", [32, 48, 150, 224])
def test_whatever_is_asked_is_answered(size, compactness):
    for picture in pictures(size).values():
        for asked in (2, 3, 250):
            found = superpixels(picture, asked, compactness)
            assert found.dtype == np.uint8
            assert np.unique(found).tolist() == list(range(int(found.max()) + 1))
            assert found.max() > 0
        assert superpixels(picture, 2, compactness).max() == 1


@pytest.mark.parametrize("asked", [225, 240, 250])
def test_as_many_as_can_be_numbered_are_found(asked):
    """SLIC answers 289 for 250 on faces of 150 pixels."""
    black = np.zeros((150, 150), np.uint8)
    assert superpixels(black, asked, 20).max() == 224


def test_two_superpixels_are_connected_and_of_like_gray():
    halves = pictures(64)["halves"]
    found = superpixels(halves, 2, 1)
    assert [label(found == part)[1] for part in (0, 1)] == [1, 1]
    assert abs(np.corrcoef(found.ravel(), halves.ravel())[0, 1]) > 0.9


def test_too_many_superpixels_are_refused(image):
    with pytest.raises(HumanlikeError, match="at most 256"):
        superpixels(image, 900, 20)

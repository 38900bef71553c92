import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.cluster.hierarchy import is_valid_linkage

from humanlike.alignment.similarity import dendrogram_linkage, similarity


@pytest.fixture
def heatmaps():
    return np.random.default_rng(0).random((4, 20, 30))


def test_similarity_is_opencvs(heatmaps):
    first, second = heatmaps[:2].astype(np.float32)
    expected = cv2.matchTemplate(first, second, cv2.TM_CCOEFF_NORMED).item()
    assert similarity(heatmaps)[0, 1] == pytest.approx(expected, abs=1e-5)


def test_constant_heatmap_is_like_no_other(heatmaps):
    heatmaps[1] = 0.5
    found = similarity(heatmaps)
    assert found[1, 1] == 1
    assert not found[1, [0, 2, 3]].any()


@given(arrays(np.float64, (4, 5), elements=st.floats(-1, 1)), st.floats(1e-3, 1e3))
def test_rounding_is_like_nothing(noise, level):
    flat = level * (1 + 1e-7 * noise)
    picture = np.arange(20.0).reshape(4, 5)
    np.testing.assert_array_equal(similarity([flat, picture, flat]), np.eye(3))


def test_one_heatmap(heatmaps):
    np.testing.assert_array_equal(similarity(heatmaps[:1]), [[1]])


def test_linkage_joins_the_most_alike_first(heatmaps):
    heatmaps[3] = heatmaps[1] + 0.01 * heatmaps[0]
    linkage = dendrogram_linkage(similarity(heatmaps))
    assert is_valid_linkage(linkage)
    assert set(linkage[0, :2]) == {1, 3}


def test_linkage_averages_distances():
    alike = np.array([[1, 0.9, 0.2], [0.9, 1, 0.4], [0.2, 0.4, 1]])
    np.testing.assert_allclose(dendrogram_linkage(alike)[:, 2], [0.1, (0.8 + 0.6) / 2])

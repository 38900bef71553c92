import numpy as np
import pytest
from scipy.ndimage import zoom

from humanlike.explainers import rise
from humanlike.explainers.hiding import Hiding


class Seen:
    """A network whose one probability is the mean of what it sees at a spot, over 255."""

    size, classes = 32, 1

    def blended(self, image, hidden, masks):
        seen = hidden + masks * (image.astype(float) - hidden)
        return seen[:, 4:8, 20:24].mean(axis=(1, 2))[:, None] / 255


def test_it_finds_the_only_spot_that_counts():
    image = np.full((1, 32, 32), 255, np.uint8)
    found = rise.explain(
        Hiding(Seen()), image, np.array([0]), seeds=np.array([3]), masks=3000, cells=4
    )[0]
    assert found[4:8, 20:24].mean() > 3 * np.abs(found[16:, :12]).mean()
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert 2 <= row <= 9 and 18 <= column <= 25


def test_it_is_equation_6_less_the_mean():
    image = np.random.default_rng(1).integers(0, 256, (1, 32, 32), dtype=np.uint8)
    masks, shown = 300, 0.4
    found = rise.explain(
        Hiding(Seen()), image, np.array([0]), seeds=np.array([3]),
        masks=masks, cells=4, shown=shown,
    )[0]  # fmt: skip
    rng = np.random.default_rng(3)
    drawn = np.concatenate(
        [rise.random_masks(m, 32, 4, shown, rng) for m in (128, 128, masks - 256)]
    )
    probability = Seen().blended(image[0], np.zeros((32, 32)), drawn)[:, 0]
    expected = sum(p * m for p, m in zip(probability, drawn, strict=True)) / masks / shown
    np.testing.assert_allclose(found, expected - probability.mean(), atol=1e-6)


@pytest.mark.parametrize("shown", [0.3, 0.5])
def test_masks_show_what_is_asked_for(shown):
    masks = rise.random_masks(4000, 40, 7, shown, np.random.default_rng(0))
    assert masks.min() >= 0 and masks.max() <= 1
    np.testing.assert_allclose(masks.mean(axis=0), shown, atol=0.04)


def test_grids_are_enlarged_as_scipy_does():
    grid = np.random.default_rng(0).random((4, 4))
    enlarge = rise._interpolation(4, 40)
    expected = zoom(grid, 10, order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(enlarge @ grid @ enlarge.T, expected, atol=1e-6)

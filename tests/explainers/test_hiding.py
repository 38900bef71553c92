from typing import get_args

import numpy as np
import pytest

from humanlike.explainers.hiding import HIDDEN, Hiding, hidden_pictures
from humanlike.explainers.runtimes import prepare
from humanlike.params import Explain


def test_what_hides_is_what_it_says(images):
    pictures = {name: hidden_pictures(images, name).astype(float) for name in HIDDEN}
    assert not pictures["black"].any()
    means = images.mean(axis=(1, 2))
    np.testing.assert_allclose(
        pictures["mean"], means[:, None, None] + np.zeros((64, 64)), atol=0.5
    )
    for name in ("blur", "noise"):
        np.testing.assert_allclose(pictures[name].mean(axis=(1, 2)), means, rtol=0.15)
    # A blur has no edges: neighbours differ less than in the face.
    for axis in (1, 2):
        assert (
            np.abs(np.diff(pictures["blur"], axis=axis)).max()
            < np.abs(np.diff(images.astype(float), axis=axis)).max()
        )
    assert np.corrcoef(pictures["noise"][0].ravel(), images[0].ravel())[0, 1] < 0.1


@pytest.mark.parametrize("runtime", ["tensorflow", "openvino"])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_the_network_sees_it_where_parts_are_hidden(network, images, runtime, hidden):
    predictor = Hiding(prepare(network, runtime), hidden)
    # Quarters, so that the first layers are shared, and columns of noise, so that they are not.
    quarters = np.add.outer(2 * (np.arange(64) // 32), np.arange(64) // 32).astype(np.uint8)
    scattered = np.random.default_rng(0).integers(0, 4, (64, 64)).astype(np.uint8)
    samples = (np.arange(16)[:, None] >> np.arange(4) & 1).astype(np.uint8)
    samples = np.tile(samples, (3, 1))
    behind = hidden_pictures(images, hidden)
    for labels in (quarters, scattered):
        found = predictor.probabilities(images, np.stack([labels] * 3), np.stack([samples] * 3))
        shown = samples[:, labels][None]
        seen = np.where(shown == 1, images[:, None], behind[:, None]).astype(np.float32)
        rgb = np.repeat(seen.reshape(-1, 64, 64, 1), 3, axis=-1)
        expected = network.predict_on_batch(rgb).reshape(3, len(samples), -1)
        np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize("runtime", ["tensorflow", "openvino"])
def test_soft_masks_blend_with_it(network, images, runtime):
    predictor = Hiding(prepare(network, runtime), "mean")
    masks = np.random.default_rng(0).random((5, 64, 64), np.float32)
    found = predictor.blended(images[0], masks)
    behind = hidden_pictures(images[:1], "mean")[0].astype(float)
    seen = behind + masks * (images[0] - behind)
    rgb = np.repeat(seen[..., None], 3, axis=-1).astype(np.float32)
    np.testing.assert_allclose(found, network.predict_on_batch(rgb), atol=2e-5)


def test_params_know_what_may_hide():
    assert set(HIDDEN) == set(get_args(Explain.model_fields["hidden"].annotation))

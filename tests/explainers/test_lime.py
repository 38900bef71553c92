"""LIME end to end, against the `lime` package."""

import numpy as np
import pytest
from lime.lime_image import LimeImageExplainer
from scipy.special import expit

from humanlike.explainers import surrogate
from humanlike.explainers.lime import explain
from humanlike.explainers.runtimes import prepare
from humanlike.explainers.superpixels import superpixels

SETTINGS = {"samples": 200, "superpixels": 12}


@pytest.fixture(scope="module")
def predictor(network):
    return prepare(network, "tensorflow", batch_size=16)


def test_bernoulli_reproduces_the_lime_package(network, predictor, images):
    classes = np.array([0, 1, 3])
    found = explain(predictor, images, classes, seeds=np.array([7, 8, 9]), **SETTINGS)
    for face, (image, label, seed) in enumerate(zip(images, classes, (7, 8, 9), strict=True)):
        package = LimeImageExplainer(random_state=seed).explain_instance(
            np.stack([image] * 3, axis=-1),
            lambda batch: network.predict(batch.astype(np.float32), verbose=0),
            labels=(label,),
            top_labels=None,
            hide_color=0,
            num_samples=200,
            segmentation_fn=lambda rgb: superpixels(rgb[..., 0], 12, 20),
            random_seed=0,
        )
        expected = np.array([weight for _, weight in sorted(package.local_exp[label])])
        weights = found.weights[face, : found.n_superpixels[face]]
        assert np.abs(expected).max() > 0.01
        np.testing.assert_allclose(weights, expected, atol=1e-5)
        np.testing.assert_allclose(found.intercept[face], package.intercept[label], atol=1e-5)
        np.testing.assert_allclose(found.r2[face], package.score, atol=1e-5)
        np.testing.assert_array_equal(found.segments[face], package.segments)


@pytest.mark.parametrize("sampling", ["bernoulli", "paired", "orthogonal"])
def test_weights_do_not_depend_on_chunks_or_batches(network, predictor, images, sampling):
    classes, seeds = np.array([0, 1, 2]), np.array([1, 2, 3])
    together = explain(predictor, images, classes, seeds=seeds, sampling=sampling, **SETTINGS)
    for face in range(3):
        one = slice(face, face + 1)
        alone = explain(
            predictor, images[one], classes[one], seeds=seeds[one], sampling=sampling, **SETTINGS
        )
        d = together.n_superpixels[face]
        np.testing.assert_array_equal(together.weights[face, :d], alone.weights[0])
        assert np.isnan(together.weights[face, d:]).all()
        np.testing.assert_array_equal(together.segments[one], alone.segments)
    other = prepare(network, "tensorflow", batch_size=50)
    again = explain(other, images, classes, seeds=seeds, sampling=sampling, **SETTINGS)
    np.testing.assert_allclose(again.weights, together.weights, atol=1e-5)


def test_emulated_weights_come_nearer_to_the_limit_and_depend_on_no_chunk(predictor, images):
    classes, seeds = np.array([0, 1, 2]), np.array([1, 2, 3])

    def weights(faces=slice(None), **settings):
        found = explain(
            predictor, images[faces], classes[faces], seeds=seeds[faces], superpixels=12, **settings
        )
        return found.weights

    few = {"samples": 96, "sampling": "paired"}
    limit = weights(samples=4096, sampling="orthogonal")
    emulated = weights(**few, emulate=True)
    np.testing.assert_array_equal(
        weights(slice(1, 2), **few, emulate=True)[0], emulated[1, : (~np.isnan(emulated[1])).sum()]
    )
    assert np.nanmean((emulated - limit) ** 2) < 0.7 * np.nanmean((weights(**few) - limit) ** 2)


class Rough:
    """Two classes told apart by what two to six superpixels do together, far more than by one."""

    def __init__(self, seed):
        self.seed = seed

    def of(self, samples):
        random = np.random.default_rng(self.seed)
        signs = 2.0 * samples - 1
        logit = signs @ random.normal(0, 0.5, samples.shape[-1])
        for order in np.repeat(np.arange(2, 7), 12):
            together = random.choice(samples.shape[-1], order, replace=False)
            logit += random.normal() * signs[..., together].prod(axis=-1)
        return np.stack([expit(logit), expit(-logit)], axis=-1)

    def probabilities(self, images, segments, design):
        return self.of(design).astype(np.float32)


def test_emulated_weights_of_a_rough_network_are_no_worse_than_without(images):
    plain, emulated = [], []
    for seed in range(8):
        rough, one = Rough(seed), np.array([seed])

        def weights(rough=rough, one=one, **settings):
            return explain(
                rough,
                images[:1],
                np.array([0]),
                seeds=one,
                samples=128,
                sampling="paired",
                superpixels=9,
                **settings,
            ).weights[0]

        d = len(weights())
        every = np.tile((np.arange(2**d)[:, None] >> np.arange(d) & 1).astype(np.uint8), (9, 1))
        proximities = surrogate.proximity(every[None], np.array([d]), 0.25)
        limit = surrogate.fit(every[None], rough.of(every)[None, :, 0], proximities).weights[0]
        plain.append(np.linalg.norm(weights() - limit) / np.linalg.norm(limit))
        emulated.append(np.linalg.norm(weights(emulate=True) - limit) / np.linalg.norm(limit))
    # 0.64; without the calibration, 0.87.
    assert np.mean(emulated) < 0.75 * np.mean(plain)


def test_better_samples_come_nearer_to_the_limit(predictor, images):
    def weights(sampling, samples, seed):
        settings = {"sampling": sampling, "samples": samples, "superpixels": 12}
        seeds = np.array([seed])
        return explain(predictor, images[:1], np.array([1]), seeds=seeds, **settings).weights

    limit = weights("orthogonal", 4096, 0)
    error = {
        sampling: np.mean(
            [np.square(weights(sampling, 128, seed) - limit).mean() for seed in range(8)]
        )
        for sampling in ("bernoulli", "paired", "orthogonal")
    }
    assert error["orthogonal"] < error["paired"] < error["bernoulli"]


def test_no_faces_give_no_explanations(predictor, images):
    found = explain(predictor, images[:0], np.array([], int), seeds=np.array([], int), **SETTINGS)
    assert found.segments.shape == (0, 64, 64)
    assert len(found.weights) == len(found.r2) == len(found.n_superpixels) == 0

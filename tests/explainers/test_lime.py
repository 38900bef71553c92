"""LIME end to end, against the `lime` package."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lime.lime_image import LimeImageExplainer
from scipy.special import expit
from sklearn.linear_model import LinearRegression

from humanlike.explainers import lime, surrogate
from humanlike.explainers.importance import importance
from humanlike.explainers.lime import calibration, explain, standard_error
from humanlike.explainers.runtimes import prepare
from humanlike.explainers.sampling import bernoulli, paired
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
        assert found.r2[face] < package.score  # which is that of the fit's own samples
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


class Answers:
    """A network of two classes that knows the samples alone."""

    def __init__(self, answer):
        self.answer = answer

    def probabilities(self, images, segments, design):
        one = np.asarray(self.answer(design.astype(float)), np.float32)
        return np.stack([one, 1 - one], axis=-1)


def explained(answer, images, seed=0, **settings):
    settings = {"samples": 64, "sampling": "paired", "superpixels": 12} | settings
    return explain(Answers(answer), images[:1], np.array([0]), seeds=np.array([seed]), **settings)


@pytest.mark.parametrize("emulate", [False, True])
@pytest.mark.parametrize("sampling", ["bernoulli", "paired"])
def test_rounding_is_no_weight(images, emulate, sampling):
    """What a constant network's float32 leaves behind must not be scaled up to importance 1."""
    last_place = np.random.default_rng(0).integers(-2, 3, 64) * np.spacing(np.float32(0.3))
    for constant in (np.full(64, 0.3), np.full(64, 1e-17), 0.3 + last_place):
        found = explained(
            lambda design, constant=constant: constant[None],
            images,
            sampling=sampling,
            emulate=emulate,
        )
        assert (importance(found.weights) == 0).all()
        assert found.r2[0] == 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("least", [1e-6, 1e-3])
def test_a_network_that_answers_only_when_nearly_all_is_shown(images, least, seed):
    """The calibration once had slopes of thousands, and probabilities of 50."""

    def answer(design):
        return np.where(design.mean(axis=-1) >= 0.9, 0.97, least)

    plain = explained(answer, images, seed)
    emulated = explained(answer, images, seed, emulate=True)
    assert np.abs(emulated.weights).max() < 2 * np.abs(plain.weights).max()
    assert 0 <= emulated.intercept[0] + emulated.weights.sum() <= 1
    assert emulated.r2[0] > -1.5


def additive(design):
    effects = np.random.default_rng(1).uniform(0, 1, design.shape[-1])
    return 0.05 + 0.9 * design @ effects / effects.sum()


def step(design):
    return np.where(design.mean(axis=-1) > 0.5, 0.95, 0.05)


@pytest.mark.parametrize(("answer", "worse"), [(additive, 1.4), (step, 1.1)])
def test_the_plain_fit_is_kept_where_an_emulator_says_less(images, answer, worse):
    """1.17 and 1.00 times the error of plain LIME; by the emulator alone, 2.2 and 2.1."""
    d = len(explained(answer, images).weights[0])
    many = paired(30_000, d, 99)[2:]
    near = surrogate.proximity(many[None], np.array([d]), 0.25)
    limit = surrogate.solve(many[None], answer(many.astype(float))[None, :, None], near)[0][0, :, 0]

    def error(seed, **settings):
        found = explained(answer, images, seed, samples=128, **settings)
        return np.linalg.norm(found.weights[0] - limit)

    plain = np.mean([error(seed) for seed in range(6)])
    emulated = np.mean([error(seed, emulate=True) for seed in range(6)])
    assert emulated < worse * plain


@pytest.mark.parametrize("emulate", [False, True])
def test_r2_is_what_the_weights_say_of_fresh_samples(images, emulate):
    """Of a network that is smooth in the superpixels, over faces; 0.03 is the error of the mean."""
    told, true, in_sample = [], [], []
    for seed in range(12):
        random = np.random.default_rng(seed)
        effects = random.normal(0, 2, 30) * (random.random(30) < 0.5)
        together = random.choice(9, (6, 2))

        def answer(design, effects=effects, together=together):
            pairs = (design[..., together[:, 0]] * design[..., together[:, 1]]).sum(axis=-1)
            return expit((design - 0.5) @ effects[: design.shape[-1]] + 2 * pairs - 3)

        found = explained(answer, images, seed, samples=48, emulate=emulate)
        d = found.n_superpixels[0]
        told.append(found.r2[0])

        def score(design, answer=answer, found=found, d=d):
            near = surrogate.proximity(design[None], np.array([d]), 0.25)
            says = found.intercept[0] + design @ found.weights[0]
            return surrogate.r2(says[None], answer(design.astype(float))[None], near)[0]

        true.append(score(bernoulli(8192, d, seed + 100)[1:]))
        in_sample.append(score(paired(48, d, seed)))
    assert abs(np.mean(told) - np.mean(true)) < 0.05
    if not emulate:
        assert np.mean(in_sample) > np.mean(true) + 0.1


@given(st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_calibration_lines_are_those_of_scikit_learn(m, seed):
    random = np.random.default_rng(seed)
    told, seen, weights = random.random((3, m))
    line = LinearRegression(positive=True).fit(told[:, None], seen, weights)
    slope, height = calibration(told, seen, weights)
    np.testing.assert_allclose([slope, height], [line.coef_[0], line.intercept_], atol=1e-9)


@pytest.mark.parametrize("emulate", [False, True])
@pytest.mark.parametrize("samples", [2, 3, 4, 5, 9])
@pytest.mark.parametrize("sampling", ["bernoulli", "paired", "orthogonal"])
def test_few_samples_give_an_answer(images, samples, sampling, emulate):
    found = explained(
        lambda design: design.mean(axis=-1) ** 2,
        images,
        samples=samples,
        sampling=sampling,
        emulate=emulate,
        kernel_width=0.05,
    )
    assert np.isfinite(found.weights).all()
    assert np.isfinite(found.intercept).all()
    assert -10 < found.r2[0] <= 1


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


@given(st.integers(2, 40), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_the_standard_error_is_that_of_the_jackknife(n, groups, seed):
    """Of a mean, without groups of equal size, it is the textbook's from the groups' own means."""
    random = np.random.default_rng(seed)
    values = random.normal(3, 1, (groups, n, 2))
    mean = values.mean(axis=(0, 1))
    without = np.array([np.delete(values, out, 0).mean(axis=(0, 1)) for out in range(groups)])
    of_groups = values.mean(axis=1).var(axis=0, ddof=1) / groups
    expected = np.sqrt(of_groups.sum()) / np.linalg.norm(mean)
    assert standard_error(mean, without) == pytest.approx(expected)


def test_no_weights_have_no_error():
    assert standard_error(np.zeros(3), np.zeros((4, 3))) == 0


class Counting(Answers):
    """Notes how many samples of each face it was asked."""

    def __init__(self, answer):
        super().__init__(answer)
        self.asked = []

    def probabilities(self, images, segments, design):
        self.asked.append(design.shape[:2])
        return super().probabilities(images, segments, design)


def rough(design):
    """What many superpixels do together, of a face whose mean is high; of another, little."""
    together = np.random.default_rng(4).choice(8, (20, 3))
    triples = design[..., together].prod(axis=-1) * np.resize([1, -1], 20)
    return expit(2 * triples.sum(axis=-1) + 0.5 * design[..., 0])


@pytest.mark.parametrize("emulate", [False, True])
def test_auto_gives_a_face_the_samples_that_its_error_takes(images, emulate):
    settings = {"sampling": "paired", "superpixels": 12, "emulate": emulate}
    seeds = np.array([3])

    def explain_auto(answer, error):
        network = Counting(answer)
        found = explain(
            network, images[:1], np.array([0]), seeds=seeds, samples="auto", error=error, **settings
        )
        return found, sum(m for _, m in network.asked)

    smooth, few = explain_auto(additive, 0.3)
    _, more = explain_auto(rough, 0.3)
    _, all_ = explain_auto(rough, 1e-6)
    assert few < more <= all_ == 1024

    fixed = explain(
        Answers(additive), images[:1], np.array([0]), seeds=seeds, samples=few, **settings
    )
    np.testing.assert_array_equal(smooth.weights, fixed.weights)


@pytest.mark.parametrize("emulate", [False, True])
def test_auto_gives_a_face_the_same_in_any_company(predictor, images, emulate):
    settings = {"sampling": "paired", "superpixels": 12, "emulate": emulate}
    settings |= {"samples": "auto", "error": 0.1}
    classes, seeds = np.array([0, 1, 2]), np.array([5, 6, 7])
    together = explain(predictor, images, classes, seeds=seeds, **settings)
    for face in range(3):
        alone = slice(face, face + 1)
        found = explain(predictor, images[alone], classes[alone], seeds=seeds[alone], **settings)
        d = found.n_superpixels[0]
        np.testing.assert_array_equal(found.weights[0, :d], together.weights[face, :d])
        assert found.r2[0] == together.r2[face]


def test_the_error_tells_how_far_the_weights_are_from_the_limit(images):
    """Of a network that superpixels tell together, over seeds: within a third, at two sizes."""
    d = len(explained(rough, images).weights[0])
    many = paired(30_000, d, 99)[2:]
    near = surrogate.proximity(many[None], np.array([d]), 0.25)
    limit = surrogate.solve(many[None], rough(many.astype(float))[None, :, None], near)[0][0, :, 0]
    for m in (64, 256):
        told, true = [], []
        for seed in range(12):
            samples = paired(m, d, seed)
            near = surrogate.proximity(samples[None], np.array([d]), 0.25)
            seen = rough(samples.astype(float))
            weights = surrogate.solve(samples[None], seen[None, :, None], near)[0][0, :, 0]
            told.append(standard_error(weights, lime._plain_parts(samples, seen, near[0])))
            true.append(np.linalg.norm(weights - limit) / np.linalg.norm(limit))
        assert np.mean(told) == pytest.approx(np.mean(true), rel=0.33)

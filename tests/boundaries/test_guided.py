"""Whether guidance pushes where it should, and which of the sampled pictures is taken."""

from collections.abc import Sequence

import cv2
import keras
import numpy as np
import pytest

from humanlike.boundaries import guided, render
from humanlike.boundaries.seen import Judges
from humanlike.boundaries.targets import Target
from humanlike.faces.images import Rejected

SIZE = 8


@pytest.fixture(scope="module")
def bright() -> keras.Model:
    """A network that tells bright pictures from dark ones."""
    image = keras.Input((SIZE, SIZE, 3))
    mean = keras.layers.GlobalAveragePooling2D()(image)
    last = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(image, last(mean))
    last.set_weights([np.array([[0.02, -0.02]] * 3), np.array([-7.6, 7.6])])
    return model


def test_guidance_moves_the_share_to_the_target(plain: keras.Model, bright: keras.Model) -> None:
    sample = guided.Sampler(plain, [bright])

    def shares(wanted: float, strength: float) -> float:
        target = Target((0, 1), (wanted,))
        pictures = np.concatenate([sample(target, [strength], seed, 20) for seed in range(4)])
        rgb = np.repeat(pictures[..., None], 3, axis=-1).astype(np.float32)
        return float(np.mean(bright(rgb)[:, 0]))

    assert shares(0.95, 0.3) > shares(0.05, 0.3) + 0.3
    assert shares(0.95, 0) == shares(0.05, 0)
    both = sample(Target((0, 1), (0.5,)), [0.1, 0], 1, 5)
    np.testing.assert_array_equal(both[:1], sample(Target((0, 1), (0.5,)), [0.1], 1, 5))


def sampled_by(shares: Sequence[float]) -> guided.Start:
    """A start whose pictures are drawn faces, the first expression's shares as given."""
    start = render.draw_start(0, 0, ("surprise", "anger"))
    faces = [render.photograph(start, render.between(start, share)) for share in shares]
    small = np.array([cv2.resize(face, (96, 96), interpolation=cv2.INTER_AREA) for face in faces])
    calls = iter(small.reshape(-1, len(guided.STRENGTHS), 96, 96))
    return guided.Start(lambda target, strengths, seed: next(calls), 0)  # type: ignore[arg-type]


def test_the_first_picture_that_meets_the_target_is_taken(judges: Judges) -> None:
    target = Target((0, 1), (0.95,))
    found = guided.generate(sampled_by([0, 0, 0, 0, 0, 1, 1, 1]), target, judges)
    assert target.success(found.probabilities)
    assert found.settings == {"noise": 1.0, "strength": guided.STRENGTHS[1]}
    assert found.looked == 6


def test_else_the_best_of_all_is(judges: Judges, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guided, "NOISES", 1)
    target = Target((0, 1), (0.5,))
    found = guided.generate(sampled_by([0, 0, 1, 0]), target, judges)
    assert not target.success(found.probabilities)
    assert found.looked == 4


def test_pictures_without_a_face_are_refused(
    judges: Judges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guided, "NOISES", 1)
    start = guided.Start(lambda *_: np.zeros((4, 96, 96), np.uint8), 0)  # type: ignore[arg-type]
    with pytest.raises(Rejected, match="no face"):
        guided.generate(start, Target((0, 1), (0.5,)), judges)

import numpy as np

from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH
from humanlike.canonical.parts import BESIDE, face_parts


def test_parts_cover_the_canvas_once() -> None:
    stack = np.stack(list(face_parts().values()))
    assert stack.shape[1:] == (HEIGHT, WIDTH)
    assert (stack.sum(axis=0) == 1).all()
    assert (stack.mean(axis=(1, 2)) > 0.05).all()


def test_landmarks_lie_in_the_parts_they_are_of() -> None:
    parts = face_parts()
    for name, numbers in {
        "brows": (19, 24),
        "nose": (28, 30),
        "mouth": (51, 57),
        "chin": (8,),
    }.items():
        for number in numbers:
            x, y = LANDMARKS[number]
            assert parts[name][y, x], (name, number)
    assert parts["eyes"][80, 70] and parts["forehead"][5, 112]
    assert parts[BESIDE][270, 5] and parts[BESIDE][100, 0]


def test_parts_are_symmetric_in_area() -> None:
    for name, part in face_parts().items():
        left, right = part[:, : WIDTH // 2].mean(), part[:, WIDTH // 2 :].mean()
        assert abs(left - right) < 0.15 * (left + right), name

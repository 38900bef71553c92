import pytest

from humanlike.expressions import LABELS
from humanlike.spelling import expression_of_folder, parse_expression


@pytest.mark.parametrize("label", LABELS)
def test_labels_mean_themselves(label: str) -> None:
    assert parse_expression(label) == label
    assert parse_expression(f" {label.upper()}\n") == label


@pytest.mark.parametrize(
    ("word", "expression"),
    [("Angry", "anger"), ("AN", "anger"), ("Happy", "happiness"), ("joy", "happiness"),
     ("Allegria", "happiness"), ("SU", "surprise"), ("Neutra", "neutral"), ("Sad", "sadness"),
     ("fearful", "fear"), ("DI", "disgust"), ("bored", None), ("", None), ("5", None)],
)  # fmt: skip
def test_other_spellings(word: str, expression: str | None) -> None:
    assert parse_expression(word) == expression


@pytest.mark.parametrize(
    ("file", "expression"),
    [("Angry/x.png", "anger"), ("sad/happy/x.png", "happiness"), ("fear/p1/x.png", "fear"),
     ("x/happy.png", None), ("happy", None)],
)  # fmt: skip
def test_nearest_folder(file: str, expression: str | None) -> None:
    assert expression_of_folder(file) == expression

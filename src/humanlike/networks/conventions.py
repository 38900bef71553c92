"""How other people's networks are fed and read: scalings of the input, orders of the classes.

A model file says neither. `humanlike.networks.trial` tries what is customary.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from humanlike.errors import HumanlikeError
from humanlike.expressions import LABELS
from humanlike.spelling import parse_expression

#: Name -> scale and offset of a gray value in 0–255, one for each of three channels. ``imagenet``
#: takes off the mean colour of ImageNet and divides by its standard deviation, as torchvision does.
SCALINGS: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {
    "0..1": (np.full(3, 1 / 255), np.zeros(3)),
    "-1..1": (np.full(3, 1 / 127.5), np.full(3, -1.0)),
    "0..255": (np.ones(3), np.zeros(3)),
    "imagenet": (
        1 / (255 * np.array([0.229, 0.224, 0.225])),
        -np.array([0.485, 0.456, 0.406]) / np.array([0.229, 0.224, 0.225]),
    ),
}

#: Stands for an output that is none of the labels.
OTHER = "-"

_ANGER, _DISGUST, _FEAR, _HAPPINESS, _SADNESS, _SURPRISE, _NEUTRAL, _CONTEMPT = LABELS

#: Name -> the order in which a data set or a habit numbers all eight; a network has some of them.
_ORDERS = {
    "FER2013": (*(_ANGER, _DISGUST, _FEAR, _HAPPINESS, _SADNESS, _SURPRISE, _NEUTRAL, _CONTEMPT),),
    "alphabetical": tuple(sorted(LABELS)),
    "AffectNet": (
        *(_NEUTRAL, _HAPPINESS, _SADNESS, _SURPRISE, _FEAR, _DISGUST, _ANGER, _CONTEMPT),
    ),
    "FER+": (*(_NEUTRAL, _HAPPINESS, _SURPRISE, _SADNESS, _ANGER, _DISGUST, _FEAR, _CONTEMPT),),
    "RAF-DB": (*(_SURPRISE, _FEAR, _DISGUST, _HAPPINESS, _SADNESS, _ANGER, _NEUTRAL, _CONTEMPT),),
    "CK+": (*(_NEUTRAL, _ANGER, _CONTEMPT, _DISGUST, _FEAR, _HAPPINESS, _SADNESS, _SURPRISE),),
    "KDEF": (*(_FEAR, _ANGER, _DISGUST, _HAPPINESS, _NEUTRAL, _SADNESS, _SURPRISE, _CONTEMPT),),
}

#: Number of outputs -> sets of labels that networks with so many usually know.
_SETS = {
    5: [{_ANGER, _HAPPINESS, _SADNESS, _SURPRISE, _NEUTRAL}],
    6: [set(LABELS[:6])],
    7: [set(LABELS[:7]), set(LABELS) - {_NEUTRAL}],
    8: [set(LABELS)],
}


def scaling_of(name: str, channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale and offset, (channels,) each; one channel gets the mean colour's."""
    if channels == 1 and name == "imagenet":
        return np.array([1 / (255 * 0.226)]), np.array([-0.449 / 0.226])
    scale, offset = SCALINGS[name]
    return scale[:channels], offset[:channels]


def known_orders(outputs: int, labels: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
    """The customary orders of so many classes, each under the first name that it goes by.

    Where labels are given, only those orders that have the most of them.
    """
    found: dict[tuple[str, ...], str] = {}
    for number, known in enumerate(_SETS.get(outputs, [])):
        for name, order in _ORDERS.items():
            classes = tuple(label for label in order if label in known)
            found.setdefault(classes, name if number == 0 else f"{name}, no neutral")
    most = max((len({*labels} & {*classes}) for classes in found), default=0)
    return {name: classes for classes, name in found.items() if len({*labels} & {*classes}) == most}


def parse_classes(words: Sequence[str], outputs: int) -> tuple[str, ...]:
    """The labels that words in any spelling mean; `OTHER` stays.

    Raises
    ------
    HumanlikeError
        A word is unknown, a label comes twice, fewer than two are known, or their number is not
        that of the outputs.
    """
    classes = []
    for word in words:
        label = OTHER if word.strip() == OTHER else parse_expression(word)
        if label is None:
            raise HumanlikeError(
                f"classes: {word.strip()!r} is no expression; known are {', '.join(LABELS)} in many"
                f" spellings, and {OTHER} for an output that is none of these"
            )
        if label != OTHER and label in classes:
            raise HumanlikeError(f"classes: {label} is named twice; name each output once")
        classes.append(label)
    if len(classes) != outputs:
        raise HumanlikeError(
            f"classes: {len(classes)} are named, but the network has {outputs} outputs;"
            " name them in the order of its outputs"
        )
    if len(set(classes) - {OTHER}) < 2:
        raise HumanlikeError("classes: fewer than two expressions are named")
    return tuple(classes)


def column_order(classes: Sequence[str]) -> list[int]:
    """Which output comes at each place when the labels are in the project's order, others last."""
    rank = {label: number for number, label in enumerate((*LABELS, OTHER))}
    return sorted(range(len(classes)), key=lambda output: rank[classes[output]])


def are_probabilities(outputs: NDArray[np.floating]) -> bool:
    """Whether the rows of (n, classes) are probabilities: at least 0, and 1 in sum."""
    return bool(
        (outputs >= -1e-5).all() and np.allclose(outputs.sum(axis=1, dtype=float), 1, atol=1e-3)
    )


def softmax(outputs: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rows of logits (n, classes) as probabilities."""
    raised = np.exp(outputs - outputs.max(axis=1, keepdims=True), dtype=float)
    return raised / raised.sum(axis=1, keepdims=True)

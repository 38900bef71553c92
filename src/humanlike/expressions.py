"""The six basic expressions and the facial action units that make them.

Action units (AUs) are those of Ekman, Friesen & Hager, *Facial Action Coding System* (2002). The
expressions' units are those of Gaya-Morey et al., "Unveiling the Human-like Similarities of
Automatic Facial Expression Recognition", Multimedia Tools and Applications (2024), Table 2,
doi 10.1007/s11042-024-20090-5.
"""

#: The order that every table, network output and figure follows.
EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")

#: Every label that the data sets know. The last two have no Ekman mask: networks may be trained on
#: them and explained, but a heatmap of theirs has no mask of its own to be scored against.
LABELS = (*EXPRESSIONS, "neutral", "contempt")

#: Expression -> the action units that make it.
ACTION_UNITS: dict[str, tuple[int, ...]] = {
    "anger": (4, 5, 7, 23),
    "disgust": (9, 15),
    "fear": (1, 2, 4, 5, 7, 20, 26),
    "happiness": (6, 12),
    "sadness": (1, 4, 15),
    "surprise": (1, 2, 5, 26),
}

#: Action unit -> what the face does.
ACTION_UNIT_NAMES: dict[int, str] = {
    1: "inner brow raiser",
    2: "outer brow raiser",
    4: "brow lowerer",
    5: "upper lid raiser",
    6: "cheek raiser",
    7: "lid tightener",
    9: "nose wrinkler",
    12: "lip corner puller",
    15: "lip corner depressor",
    17: "chin raiser",
    20: "lip stretcher",
    23: "lip tightener",
    25: "lips part",
    26: "jaw drop",
}

"""Trees with each data set's true names and label files, around whatever faces are drawn.

Every builder writes below `folder` and returns what is true of the images that should be read:
(file, subject, expression), the file relative to `folder`. `draw(subject, expression, intensity)`
gives the picture of a face, uint8, as `draw_face` does; subjects are numbered from 0.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from humanlike.synthesis.action_units import expression_action_units
from humanlike.synthesis.render import render
from humanlike.synthesis.sample import seeded, subject_identity
from humanlike.synthesis.view import draw_view

Draw = Callable[[int, str, float], NDArray[np.uint8]]
Truth = list[tuple[str, int, str]]

BASIC = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
EXPRESSIONS = (*BASIC, "neutral")
CKPLUS_NUMBERS = {
    "neutral": 0,
    "anger": 1,
    "contempt": 2,
    "disgust": 3,
    "fear": 4,
    "happiness": 5,
    "sadness": 6,
    "surprise": 7,
}
BU4DFE_WORDS = {
    "anger": "Angry",
    "disgust": "Disgust",
    "fear": "Fear",
    "happiness": "Happy",
    "sadness": "Sad",
    "surprise": "Surprise",
}
JAFFE_CODES = {
    "anger": "AN",
    "disgust": "DI",
    "fear": "FE",
    "happiness": "HA",
    "sadness": "SA",
    "surprise": "SU",
    "neutral": "NE",
}
FEGA_WORDS = {
    "anger": "Arrabbiato",
    "disgust": "Disgusto",
    "fear": "Paura",
    "happiness": "Allegria",
    "sadness": "Tristezza",
    "surprise": "Sorpresa",
    "neutral": "Neutra",
}
#: Given names that no output may show.
FEGA_NAMES = ("Maria", "José Luis", "Zoë_Anna", "D'Arcy")


def draw_face(subject: int, expression: str, intensity: float, seed: int = 1) -> NDArray[np.uint8]:
    """A drawn face, another picture at every intensity and seed."""
    rng = seeded(seed, subject, EXPRESSIONS.index(expression), round(1000 * intensity))
    units = expression_action_units(expression, rng, intensity, intensity)
    return render(subject_identity(seed, subject), units, draw_view(rng), size=192).image


def save(path: Path, picture: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def ckplus(
    folder: Path, draw: Draw, subjects: int = 2, frames: int = 8, flat: bool = False, apex: int = 3
) -> Truth:
    """Six labelled sequences a subject, and a seventh without a label."""
    truth: Truth = []
    for subject in range(subjects):
        code = f"S{subject + 5:03}"
        for number, expression in enumerate((*BASIC, "surprise"), 1):
            stem = f"{code}_{number:03}"
            images = "" if flat else f"cohn-kanade-images/{code}/{number:03}/"
            for frame in range(1, frames + 1):
                file = f"{images}{stem}_{frame:08}.png"
                save(folder / file, draw(subject, expression, (frame - 1) / (frames - 1)))
                if number <= len(BASIC) and frame == 1:
                    truth.append((file, subject, "neutral"))
                elif number <= len(BASIC) and frame > frames - apex:
                    truth.append((file, subject, expression))
            if number <= len(BASIC):
                labels = folder if flat else folder / "Emotion" / code / f"{number:03}"
                labels.mkdir(parents=True, exist_ok=True)
                text = f"   {CKPLUS_NUMBERS[expression]}.0000000e+00\n"
                (labels / f"{stem}_{frames:08}_emotion.txt").write_text(text)
    return truth


def bu4dfe(
    folder: Path,
    draw: Draw,
    subjects: int = 2,
    frames: int = 26,
    flat: bool = False,
    apex: tuple[int, ...] = (5, 6, 8, 9, 10),
) -> Truth:
    """Six sequences a subject, alternately female and male."""
    truth: Truth = []
    for subject in range(subjects):
        code = f"{'FM'[subject % 2]}{subject // 2 + 1:03}"
        for expression, word in BU4DFE_WORDS.items():
            for frame in range(frames):
                file = f"{code}_{word}_{frame:03}.png" if flat else f"{code}/{word}/{frame:03}.jpg"
                intensity = float(np.interp(frame / (frames - 1), [0, 0.2, 0.4, 1], [0, 1, 1, 0]))
                save(folder / file, draw(subject, expression, intensity))
                if frame == 0:
                    truth.append((file, subject, "neutral"))
                elif frame in apex:
                    truth.append((file, subject, expression))
    return truth


def jaffe(folder: Path, draw: Draw, subjects: int = 2, flat: bool = False) -> Truth:
    truth: Truth = []
    for subject in range(subjects):
        for number, (expression, code) in enumerate(JAFFE_CODES.items(), 1):
            name = f"K{chr(65 + subject)}.{code}1.{len(JAFFE_CODES) * subject + number}"
            file = f"{name.replace('.', '_')}.png" if flat else f"{name}.tiff"
            save(folder / file, draw(subject, expression, 1.0))
            truth.append((file, subject, expression))
    return truth


def wsefep(folder: Path, draw: Draw, subjects: int = 2, table: str = "table.csv") -> Truth:
    """The table has a header and further columns, as spreadsheets do."""
    truth: Truth = []
    for subject in range(subjects):
        for number, expression in enumerate(EXPRESSIONS):
            file = f"A{chr(65 + subject)}_{7885 + 50 * number}.jpg"
            save(folder / file, draw(subject, expression, 1.0))
            truth.append((file, subject, expression))
    separator = "," if table.endswith(".csv") else "\t"
    lines = [separator.join(("display", "sex", "picture", "agreement"))]
    lines += [separator.join((word, "F", file, ".93")) for file, _, word in truth]
    (folder / table).write_text("\n".join(lines) + "\n")
    return truth


def fega(folder: Path, draw: Draw, subjects: int = 2) -> Truth:
    truth: Truth = []
    for subject in range(subjects):
        name = FEGA_NAMES[subject % len(FEGA_NAMES)]
        for number, (expression, word) in enumerate(FEGA_WORDS.items(), 1):
            file = f"{subject + 1}_{'FM'[subject % 2]}_{20 + subject}_{name}_{word}_{number}.png"
            save(folder / file, draw(subject, expression, 1.0))
            truth.append((file, subject, expression))
    return truth


def labelled(folder: Path, draw: Draw, subjects: int = 2) -> Truth:
    truth: Truth = []
    for subject in range(subjects):
        for expression in BASIC:
            file = f"pictures/{subject}-{expression}.png"
            save(folder / file, draw(subject, expression, 1.0))
            truth.append((file, subject, expression))
    lines = ["file,subject,expression", *(f"{file},p{who},{what}" for file, who, what in truth)]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return truth


def folders(folder: Path, draw: Draw, subjects: int = 2) -> Truth:
    truth: Truth = []
    for subject in range(subjects):
        for expression in BASIC:
            file = f"{expression}/p{subject}_1.jpg"
            save(folder / file, draw(subject, expression, 1.0))
            truth.append((file, subject, expression))
    return truth


BUILDERS = {
    "ckplus": ckplus,
    "bu4dfe": bu4dfe,
    "jaffe": jaffe,
    "wsefep": wsefep,
    "fega": fega,
    "labelled": labelled,
    "folders": folders,
}

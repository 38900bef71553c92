"""Trees with each data set's true names and label files, around whatever faces are drawn.

Every builder writes below `folder` and returns what is true of the images that should be read:
(file, subject, expression), the file relative to `folder`. `draw(subject, expression, intensity)`
gives the picture of a face, uint8, as `draw_face` does; subjects are numbered from 0, and where a
set names none, its pictures are.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
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
FER2013_NUMBERS = {
    "anger": 0,
    "disgust": 1,
    "fear": 2,
    "happiness": 3,
    "sadness": 4,
    "surprise": 5,
    "neutral": 6,
}
FERPLUS_COLUMNS = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
    *("unknown", "NF"),
)
RAFDB_NUMBERS = {
    "surprise": 1,
    "fear": 2,
    "disgust": 3,
    "happiness": 4,
    "sadness": 5,
    "anger": 6,
    "neutral": 7,
}
AFFECTNET_NUMBERS = {
    "neutral": 0,
    "happiness": 1,
    "sadness": 2,
    "surprise": 3,
    "fear": 4,
    "disgust": 5,
    "anger": 6,
    "contempt": 7,
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


def fer2013(folder: Path, draw: Draw, subjects: int = 2, votes: bool = False) -> Truth:
    """One table. With votes, three more rows on which no expression has the majority."""
    truth: Truth = []
    folder.mkdir(parents=True, exist_ok=True)
    usages = ("Training", "PublicTest", "PrivateTest")
    rows, voted = ["emotion,pixels,Usage"], [f"Usage,Image name,{','.join(FERPLUS_COLUMNS)}"]

    def add(face: NDArray[np.uint8], emotion: int, name: str, counts: dict[str, int]) -> None:
        usage = usages[len(rows) % len(usages)]
        picture = cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA)
        rows.append(f"{emotion},{' '.join(map(str, picture.ravel()))},{usage}")
        numbers = ",".join(str(counts.get(answer, 0)) for answer in FERPLUS_COLUMNS)
        voted.append(f"{usage},{name},{numbers}")

    for subject in range(subjects):
        for expression in EXPRESSIONS:
            face = draw(subject, expression, 1.0)
            file = f"fer{len(truth):07}.png"
            # With votes, the table's own label counts for nothing.
            emotion = 0 if votes else FER2013_NUMBERS[expression]
            add(face, emotion, file, {expression: 6, "contempt": 3, "unknown": 1})
            truth.append((file, len(truth), expression))
    if votes:
        add(face, 3, "fer0000098.png", {"unknown": 6, "happiness": 4})
        add(face, 3, "", {"NF": 10})
        add(face, 3, "fer0000099.png", {"happiness": 5, "sadness": 5})
        (folder / "fer2013new.csv").write_text("\n".join(voted) + "\n")
    (folder / "fer2013.csv").write_text("\n".join(rows) + "\n")
    return truth


def rafdb(folder: Path, draw: Draw, subjects: int = 2, aligned: bool = True) -> Truth:
    truth: Truth = []
    lines = []
    for subject in range(subjects):
        for expression, number in RAFDB_NUMBERS.items():
            name = f"{'train' if subject else 'test'}_{len(truth) + 1:05}"
            kind = f"aligned/{name}_aligned" if aligned else f"original/{name}"
            save(folder / f"Image/{kind}.jpg", draw(subject, expression, 1.0))
            truth.append((f"Image/{kind}.jpg", len(truth), expression))
            lines.append(f"{name}.jpg {number}")
    (folder / "EmoLabel").mkdir()
    (folder / "EmoLabel/list_patition_label.txt").write_text("\n".join(lines) + "\n")
    return truth


def affectnet(folder: Path, draw: Draw, subjects: int = 2) -> Truth:
    """Both parts number their pictures from 0."""
    truth: Truth = []
    for subject in range(subjects):
        part = folder / ("train_set" if subject else "val_set")
        (part / "annotations").mkdir(parents=True)
        for number, expression in enumerate(EXPRESSIONS):
            save(part / f"images/{number}.jpg", draw(subject, expression, 1.0))
            np.save(part / f"annotations/{number}_exp.npy", str(AFFECTNET_NUMBERS[expression]))
            np.save(part / f"annotations/{number}_val.npy", "-0.5")
            truth.append((f"{part.name}/images/{number}.jpg", len(truth), expression))
    return truth


def affectnet_older(folder: Path, draw: Draw, subjects: int = 2) -> Truth:
    """The second table has no header; both list pictures that show none of the expressions."""
    truth: Truth = []
    header = (
        "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
        "expression,valence,arousal"
    )
    landmarks = ";".join(["10.5"] * 136)
    for table, first in (("training.csv", [header]), ("validation.csv", [])):
        lines = list(first)
        for number in [*map(AFFECTNET_NUMBERS.get, EXPRESSIONS * (subjects // 2)), 8, 9, 10]:
            picture = f"{len(truth) % 3}/{hash_of(f'{table} {len(lines)}')}.jpg"
            save(folder / "Manually_Annotated_Images" / picture, draw(0, "neutral", 1.0))
            lines.append(f"{picture},0,0,192,192,{landmarks},{number},0.1,-2")
            for expression, own in AFFECTNET_NUMBERS.items():
                if own == number:
                    truth.append((f"Manually_Annotated_Images/{picture}", len(truth), expression))
        (folder / table).write_text("\n".join(lines) + "\n")
    return truth


def hash_of(text: str) -> str:
    return hashlib.sha224(text.encode()).hexdigest()


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
    "fer2013": fer2013,
    "rafdb": rafdb,
    "affectnet": affectnet,
    "labelled": labelled,
    "folders": folders,
}

"""The many ways in which data sets spell an expression."""

from pathlib import PurePosixPath

from humanlike.expressions import LABELS

#: Expression -> other spellings: adjectives, JAFFE's codes, and FEGA's words.
_SPELLINGS = {
    "anger": "angry an ang arrabbiato arrabbiata rabbia",
    "disgust": "disgusted di dis disgusto",
    "fear": "fearful afraid frightened scared af fe fea paura",
    "happiness": "happy ha hap joy joyful enjoyment smile smiling allegria",
    "sadness": "sad unhappy sa tristezza",
    "surprise": "surprised suprise suprised astonished su sur sorpresa",
    "neutral": "ne neu neutrality neutra neutro",
    "contempt": "contemptuous contemptous con",
}
_EXPRESSIONS = {label: label for label in LABELS} | {
    spelling: label for label, spellings in _SPELLINGS.items() for spelling in spellings.split()
}


def parse_expression(text: str) -> str | None:
    """The expression that a word means, one of `humanlike.expressions.LABELS`, or None."""
    return _EXPRESSIONS.get(text.strip().casefold())


def expression_of_folder(file: str) -> str | None:
    """The expression that the nearest of a file's folders is named after, or None."""
    for folder in PurePosixPath(file).parents:
        expression = parse_expression(folder.name)
        if expression:
            return expression
    return None

"""The one exception that a person, not a programmer, is meant to read."""


class HumanlikeError(Exception):
    """What is wrong, where, and what to do about it, in one line.

    The command line prints the message without a traceback and exits with status 1.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))

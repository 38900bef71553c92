"""One kind of progress bar for all long work."""

import sys
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from tqdm import tqdm


class Bar(NamedTuple):
    """What a bar went through, from its first item to its last.

    `seconds` is how long that takes at the pace after the bar's first step, in which programs are
    loaded and networks compiled; of a bar of one step, how long it took.
    """

    begin: float
    end: float
    seconds: float


#: Bars that have ended in this process.
finished: list[Bar] = []


class _Noted(tqdm):
    """A tqdm bar that leaves a note of its pace, shown or not."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.began: float | None = time.monotonic()
        self.first: tuple[float, float] | None = None
        super().__init__(*arguments, **options)

    def update(self, n: float | None = 1) -> bool | None:
        shown = super().update(n)
        self.first = self.first or (self.n, time.monotonic())
        return shown

    def close(self) -> None:
        # tqdm closes a bar more than once, and counts nothing in one that is disabled.
        if self.began is not None and not self.disable:
            now, done = time.monotonic(), self.n - self.initial
            seconds = now - self.began
            if self.first and self.n > self.first[0]:
                pace = (now - self.first[1]) / (self.n - self.first[0])
                seconds = min(seconds, pace * done)
            finished.append(Bar(self.initial, self.n, seconds))
            self.began = None
        super().close()


def bar(iterable: Iterable[Any] | None = None, title: str = "", **options: Any) -> Any:
    """A tqdm bar: lively in a terminal, a line now and then in a log file."""
    interval = 0.2 if sys.stderr.isatty() else 20
    return _Noted(iterable, title, mininterval=interval, dynamic_ncols=True, **options)

"""One kind of progress bar for all long work."""

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def bar(iterable: Iterable[Any] | None = None, title: str = "", **options: Any) -> Any:
    """A tqdm bar: lively in a terminal, a line now and then in a log file."""
    interval = 0.2 if sys.stderr.isatty() else 20
    return tqdm(iterable, title, mininterval=interval, dynamic_ncols=True, **options)

"""Any set of images sorted into folders of expressions: `happiness/anna_3.jpg`.

The subject is what stands before the first underscore of a file's name, or else the whole name, so
that `neutral/007.jpg` and `happiness/007.jpg` show one person.
"""

from collections.abc import Iterator

from humanlike.datasets.table import Photograph, Skipped, Tree, stem
from humanlike.spelling import expression_of_folder


def photographs(tree: Tree) -> Iterator[Photograph | Skipped]:
    """Yield every image, labelled by the nearest folder that is named after an expression."""
    for file in tree.images:
        expression = expression_of_folder(file)
        if expression:
            subject = stem(file).partition("_")[0] or stem(file)
            yield Photograph(file, subject, expression)
        else:
            yield Skipped(file, "no folder above it is named after an expression")

import cv2
import pytest

from humanlike.canonical.masks import ekman_mask
from humanlike.expressions import EXPRESSIONS


@pytest.fixture(scope="session")
def masks():
    return {expression: ekman_mask(expression) for expression in EXPRESSIONS}


@pytest.fixture(scope="session")
def published_heatmaps(shared):
    """The published heatmaps of six networks and five folds, 8-bit."""
    folder = shared / "golden" / "heatmaps_by_fold"
    return {
        (network.name, fold, expression): cv2.imread(
            str(network / f"fold{fold}_{expression}.png"), cv2.IMREAD_GRAYSCALE
        )
        for network in sorted(folder.iterdir())
        for fold in range(5)
        for expression in EXPRESSIONS
    }

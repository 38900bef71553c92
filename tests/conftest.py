"""What every test may use."""

import os
from pathlib import Path

import hypothesis
import pytest

# The same examples every time, and no deadline that a busy machine would miss.
hypothesis.settings.register_profile("humanlike", deadline=None, derandomize=True)
hypothesis.settings.load_profile("humanlike")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Published reference data and licensed photographs, which are not part of the project."""
    folder = Path(os.environ.get("HUMANLIKE_SHARED", ROOT.parent / "shared"))
    if not (folder / "golden").is_dir():
        pytest.skip("no shared/ folder with reference data beside the checkout")
    return folder

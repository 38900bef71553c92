"""People's stages depend on the sources that decide what they make; the main ones on no people."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from test_sources import DECIDES_NOTHING, decides, reached

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/humanlike"
STAGES = YAML(typ="safe", pure=True).load(ROOT / "people/dvc.yaml")["stages"]

#: Files of a folder that is a dependency as a whole, of stages that do not import them.
NEIGHBOURS = {"canonical/parts.py", "faces/augment.py", "synthesis/contrasts.py"}


@pytest.mark.parametrize("stage", STAGES)
def test_every_source_that_decides_is_a_dependency(stage: str) -> None:
    found = reached(f"humanlike.stages.{stage}", ROOT / "src", set())
    wanted = {p.relative_to(PACKAGE).as_posix() for p in found if decides(p)} - DECIDES_NOTHING
    named = [ROOT / dep for dep in STAGES[stage]["deps"] if dep.startswith("src")]
    files = [f for path in named for f in (path.rglob("*.py") if path.is_dir() else [path])]
    listed = {f.relative_to(PACKAGE).as_posix() for f in files if decides(f)}
    assert all(path.exists() for path in named)
    assert wanted - listed == set(), f"{stage} imports these, and does not depend on them"
    assert listed - wanted - NEIGHBOURS == set(), f"{stage} depends on these without need"


def test_the_main_pipeline_needs_nothing_of_people() -> None:
    main = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]
    needed = [dep for stage in main.values() for dep in stage["deps"]]
    assert not [dep for dep in needed if "people" in dep]

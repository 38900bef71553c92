"""The page under real DVC."""

from pathlib import Path

import numpy as np
import pytest
from project import Project, change_params, copy, stages_run

from humanlike.networks.registry import NETWORKS


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy(finished, tmp_path_factory.mktemp("home") / "project")


def page(project: Project) -> str:
    return (project.folder / "plots/report.html").read_text(encoding="utf-8")


def test_a_run_ends_with_its_page(project: Project) -> None:
    html = page(project)
    assert len(html.encode()) < 3_000_000
    for words in ("Where weinet looks for", "Where songnet looks for", "How it was made"):
        assert words in html
    commit = project.run("git", "rev-parse", "HEAD~1").strip()
    assert commit in html, "the commit that was checked out when it ran"
    assert not any(network in html for network in NETWORKS if network not in ("weinet", "songnet"))
    assert "report.html" not in project.run("git", "status", "--porcelain")


@pytest.mark.slow
def test_colours_write_the_page_again_and_train_nothing(project: Project) -> None:
    before = page(project)
    change_params(project, {"report.colours": "jet"})
    assert stages_run(project.run("dvc", "repro")) == ["score"]
    assert page(project) != before
    assert project.repro() == []
    project.restore()


def test_the_command_says_where_it_wrote(project: Project) -> None:
    said = project.run("humanlike", "report", "--output", "shared/result.html")
    assert "Report: shared/result.html (" in said
    assert (project.folder / "shared/result.html").is_file()


def test_photographs_are_in_it_only_when_asked_for(project: Project) -> None:
    assert "Photographs are not shown" in page(project)
    assert np.load(project.folder / "artifacts/faces/images.npy").size
    change_params(project, {"report.faces": "true"})
    project.run("humanlike", "report", "--output", "with.html")
    shown = (project.folder / "with.html").read_text()
    assert "1. Face" in shown and "Photographs are not shown" not in shown
    project.restore()


def test_without_artifacts_its_figures_are_still_told(project: Project, tmp_path: Path) -> None:
    bare = copy(project, tmp_path / "bare")
    for folder in ("faces", "explanations", "heatmaps", "standardized"):
        (bare.folder / "artifacts" / folder).rename(tmp_path / folder)
    bare.run("humanlike", "report")
    assert "What this page could not show" in page(bare)
    assert "Scores of each network" in page(bare)

"""The study's five data sets and three more in their native layouts, from files to scores."""

from functools import partial

import pandas as pd
import pytest
from builders import (
    BASIC,
    FEGA_NAMES,
    Truth,
    affectnet,
    bu4dfe,
    ckplus,
    draw_face,
    fega,
    fer2013,
    jaffe,
    rafdb,
    wsefep,
)
from project import SMALLEST, Project, change_params, commit, copy_sources

pytestmark = pytest.mark.slow

#: Few frames a sequence, and one of them at the apex, as drawing a face takes its time.
BUILDERS = {
    "ckplus": partial(ckplus, frames=2, apex=1),
    "bu4dfe": partial(bu4dfe, frames=6, apex=(2,)),
    "jaffe": jaffe,
    "wsefep": wsefep,
    "fega": fega,
    "fer2013": partial(fer2013, votes=True),
    "rafdb": rafdb,
    "affectnet": affectnet,
}
#: Of these nobody tells whose the faces are.
WITHOUT_SUBJECTS = ["affectnet", "fer2013", "rafdb"]
PARAMS = {
    **SMALLEST,
    "preprocess.ckplus_apex_frames": "1",
    "preprocess.bu4dfe_apex_frames": "1",
    "train.networks": "[weinet]",
}
#: Frames between neutral and apex are left out by design and not counted as skipped; CK+ has one
#: sequence a subject without a label, FER2013 three rows on which FER+'s raters do not agree.
SKIPPED = {"ckplus": 2 * 2, "fer2013": 3}


@pytest.fixture(scope="module")
def truths() -> dict[str, Truth]:
    return {}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, truths: dict[str, Truth]) -> Project:
    """The sets side by side, two people each, and nothing run."""
    project = Project(tmp_path_factory.mktemp("home") / "project")
    copy_sources(project)
    for seed, (name, build) in enumerate(BUILDERS.items()):
        truths[name] = build(project.folder / "data" / name, partial(draw_face, seed=seed))
    change_params(project, PARAMS)
    return project


@pytest.fixture(scope="module")
def said(project: Project) -> str:
    """What setting the data under DVC and running all stages says."""
    said = project.run("dvc", "add", "data")
    commit(project)
    return said + project.run("dvc", "repro")


@pytest.mark.parametrize("name", BUILDERS)
def test_check_prints_the_right_counts(
    project: Project, truths: dict[str, Truth], name: str
) -> None:
    header, *rows = (
        project.run("humanlike", "datasets", "check", "data").split("\n\n")[0].splitlines()[1:]
    )
    found = next(dict(zip(header.split(), row.split(), strict=True)) for row in rows if name in row)
    expressions = pd.Series([expression for _, _, expression in truths[name]]).value_counts()
    expected = {
        "dataset": name,
        "form": name,
        "subjects": "unnamed" if name in WITHOUT_SUBJECTS else "2",
        "images": str(len(truths[name])),
        **expressions.astype(str),
        "skipped": str(SKIPPED.get(name, 0)),
    }
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("name", BUILDERS)
def test_every_set_runs_through_to_the_scores(project: Project, said: str, name: str) -> None:
    assert "Running stage 'score'" in said
    assert "Traceback" not in said
    found = project.metrics("preprocess.json")["datasets"][name]
    subjects = 12 if name in WITHOUT_SUBJECTS else 2
    assert found == {"faces": 12, "subjects": subjects, **dict.fromkeys(BASIC, 2)}
    faces = pd.read_csv(project.folder / "artifacts/faces/faces.csv")
    predictions = pd.read_csv(project.folder / "artifacts/predictions/weinet/fold0.csv")
    tested = faces[faces["face"].isin(predictions["face"]) & (faces["dataset"] == name)]
    assert tested["subject"].nunique() == subjects // 2
    if name not in WITHOUT_SUBJECTS:
        assert sorted(tested["expression"]) == sorted(BASIC)
    assert 0 < project.metrics("score.json")["iou"] < 1


def test_sets_without_subjects_and_their_votes_are_told(project: Project, said: str) -> None:
    metrics = project.metrics("preprocess.json")
    assert metrics["without_subjects"] == WITHOUT_SUBJECTS
    faces = pd.read_csv(project.folder / "artifacts/faces/faces.csv")
    assert set(faces["detector"]) == {"hog", "hog enlarged"}
    assert (faces.loc[faces["dataset"] == "fer2013", "detector"] == "hog enlarged").all()
    votes = pd.read_csv(project.folder / "artifacts/faces/votes.csv", index_col="face")
    assert list(votes.index) == list(faces.loc[faces["dataset"] == "fer2013", "face"])
    assert (votes.sum(axis=1) == 10).all()
    assert list(votes.idxmax(axis=1)) == list(faces.loc[votes.index, "expression"])


def test_a_second_run_runs_nothing(project: Project, said: str) -> None:
    assert project.repro() == []


def test_no_given_name_of_fega_is_in_any_output(project: Project, said: str) -> None:
    assert any("Maria" in path.name for path in (project.folder / "data/fega").iterdir())
    printed = said + project.run("humanlike", "datasets", "check", "data")
    outputs = project.files("artifacts", "metrics", "plots") | {"printed": printed.encode()}
    outputs["dvc.lock"] = (project.folder / "dvc.lock").read_bytes()
    for name in FEGA_NAMES[:2]:
        for file, content in outputs.items():
            assert name not in file
            assert name.encode() not in content, (name, file)

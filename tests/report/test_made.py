import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from humanlike.params import ModelFile, load
from humanlike.report.made import code, data, how_made, machine, remarks, settings, versions

ROOT = Path(__file__).parents[2]


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
    return subprocess.check_output(["git", "-C", folder, *identity, *arguments], text=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "metrics").mkdir()
    for name in ("code.py", "metrics/score.json"):
        (tmp_path / name).write_text("1")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "a state")
    return tmp_path


def test_the_commit_and_what_was_changed_since(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD").strip()
    (repository / "metrics/score.json").write_text("2")
    known = code(repository)
    assert str(known["commit"]).startswith(f"{head}, 20")
    assert known["changed since"] == "nothing"
    (repository / "code.py").write_text("2")
    assert code(repository)["changed since"] == "code.py"


def test_without_git_the_commit_is_unknown(tmp_path: Path) -> None:
    assert "unknown" in str(code(tmp_path)["commit"])


def test_data_is_told_by_its_hash(tmp_path: Path) -> None:
    assert "unknown" in str(data(tmp_path)["data"])
    (tmp_path / "data.dvc").write_text("outs:\n- md5: abc.dir\n  nfiles: 7\n  path: data\n")
    assert data(tmp_path) == {"data": "abc.dir (7 files)"}
    for damaged in ("outs: 3", "{", "outs: []", ""):
        (tmp_path / "data.dvc").write_text(damaged)
        assert "unknown" in str(data(tmp_path)["data"])


def test_every_setting_but_those_of_networks_that_did_not_run() -> None:
    params = load(ROOT / "params.yaml")
    found = settings(params)
    assert found["all"] == {"expressions": ", ".join(params.expressions)}
    assert found["lime"] == params.lime.model_dump()
    assert found["train"]["augmentation.mirror"] is params.train.augmentation.mirror
    assert (
        found["train"]["optimisation.weinet.epochs"] == params.train.optimisation["weinet"].epochs
    )
    assert not any("vgg16" in key for key in found["train"])


def test_versions_are_those_installed() -> None:
    assert versions()["numpy"] == version("numpy")


def test_nothing_of_it_names_the_machine_or_its_user(repository: Path) -> None:
    import getpass
    import platform

    said = str(how_made(repository, load(ROOT / "params.yaml")))
    assert platform.node() not in said
    assert str(Path.home()) + "/" not in said
    assert f"'{getpass.getuser()}'" not in said
    assert set(machine()) == {"processor", "cores", "system"}


def test_what_a_reader_must_know_of_the_networks() -> None:
    params = load(ROOT / "params.yaml")
    assert remarks(params) == []
    train = params.train
    taught = train.guidance.model_copy(update={"weight": 0.9, "reference": "ekman"})
    file = ModelFile(file="a.onnx", sha256="0" * 64, classes=params.labels, input="0..1")
    origins = {**train.optimisation, "mine": file}

    def of(*networks: str) -> list[str]:
        changed = {"networks": networks, "guidance": taught, "optimisation": origins}
        return remarks(params.model_copy(update={"train": train.model_copy(update=changed)}))

    assert [line.split(" ")[0] for line in of("weinet", "mine")] == ["The", "mine"]
    assert "the share of its region (ekman)" in of("weinet")[0]
    (alone,) = of("mine")
    assert alone.startswith("mine came from a file, and was not trained here")

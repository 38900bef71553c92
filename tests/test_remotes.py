"""What was computed travels through real storage: a folder, an S3 server and an SSH server."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from project import Project, commit, copy

pytestmark = pytest.mark.slow

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
MODEL = "artifacts/models/songnet/fold0.keras"


@dataclass
class Storage:
    """Where `dvc remote add` points, what `dvc remote modify --local` adds, and the environment."""

    url: str
    secrets: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def admit(self, project: Project) -> None:
        """Give a project what it takes to enter, which is never committed."""
        project.environment |= self.environment
        for key, value in self.secrets.items():
            project.run("dvc", "remote", "modify", "-q", "--local", "store", key, value)


@pytest.fixture
def folder(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path / "store"))


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    boto3 = pytest.importorskip("boto3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    try:
        address, port = server.get_host_and_port()
        access = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        for name, value in access.items():
            monkeypatch.setenv(name, value)
        url = f"http://{address}:{port}"
        boto3.client("s3", endpoint_url=url).create_bucket(Bucket="faces")
        yield Storage("s3://faces/store", {"endpointurl": url}, access)
    finally:
        server.stop()


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[Storage]:
    if SSHD is None:
        pytest.skip("no sshd here: apt-get install openssh-server")
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True
        )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # root's sshd insists on it
    port = free_port()
    settings = tmp_path / "sshd_config"
    settings.write_text(
        f"ListenAddress 127.0.0.1:{port}\n"
        f"HostKey {tmp_path / 'host'}\n"
        f"AuthorizedKeysFile {tmp_path / 'user.pub'}\n"
        "PidFile none\nPasswordAuthentication no\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n"
    )
    log = tmp_path / "sshd.log"
    server = subprocess.Popen([SSHD, "-D", "-f", str(settings), "-E", str(log)])
    try:
        end = time.monotonic() + 10
        while not (log.exists() and "listening" in log.read_text()):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end
            time.sleep(0.1)
        yield Storage(
            f"ssh://{getpass.getuser()}@127.0.0.1:{port}{tmp_path}/store",
            {"keyfile": str(tmp_path / "user")},
        )
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    return copy(finished, tmp_path / "project")


def add_remote(project: Project, storage: Storage) -> None:
    project.run("dvc", "remote", "add", "-q", "-d", "store", storage.url)
    storage.admit(project)
    commit(project)


def clone(project: Project, storage: Storage) -> Project:
    """A second person's clone, with an empty cache."""
    folder = project.folder.with_name("clone")
    shutil.rmtree(folder, ignore_errors=True)
    project.run("git", "clone", "-q", ".", str(folder))
    second = Project(folder)
    storage.admit(second)
    return second


def stored(storage: Storage, path: Path) -> Path:
    """Where a folder remote keeps the content of a file."""
    digest = subprocess.check_output(["md5sum", path], text=True).split()[0]
    return Path(storage.url, "files/md5", digest[:2], digest[2:])


@pytest.mark.parametrize("kind", ["folder", "s3", "ssh"])
def test_a_second_clone_pulls_everything_and_runs_nothing(
    kind: str, project: Project, request: pytest.FixtureRequest
) -> None:
    storage: Storage = request.getfixturevalue(kind)
    add_remote(project, storage)
    project.run("dvc", "push")
    second = clone(project, storage)
    second.run("dvc", "pull")
    assert second.repro() == []
    everything = ("data", "artifacts", "metrics", "plots")
    assert second.files(*everything) == project.files(*everything)
    assert project.run("dvc", "push").strip().endswith("Everything is up to date.")


def test_the_sample_and_what_is_computed_never_mix(project: Project, folder: Storage) -> None:
    """The sample's `data.dvc` names the embedded remote; the user's own is the default."""
    with (project.folder / "data.dvc").open("a") as data:
        data.write("  remote: embedded\n")
    add_remote(project, folder)
    project.run("dvc", "push")
    photograph = next((project.folder / "data/sample/images").iterdir())
    embedded = Storage(str(project.folder / "remote"))
    assert stored(embedded, photograph).exists()
    assert not stored(folder, photograph).exists()
    assert stored(folder, project.folder / MODEL).exists()
    assert not stored(embedded, project.folder / MODEL).exists()


def test_what_a_remote_lost_is_named_and_made_again(project: Project, folder: Storage) -> None:
    add_remote(project, folder)
    project.run("dvc", "push")
    lost = stored(folder, project.folder / MODEL)
    lost.unlink()
    second = clone(project, folder)
    said = second.run("dvc", "pull", fails=True)
    assert f"Checkout failed for following targets:\n{MODEL}" in said
    assert f"md5: {lost.parent.name}{lost.name}" in said
    assert "Traceback" not in said

    assert second.repro() == ["train@songnet-0"]
    assert second.files("artifacts") == project.files("artifacts")
    second.run("dvc", "push")
    assert lost.exists()


def test_what_a_remote_damaged_is_refused_where_it_is_verified(
    project: Project, folder: Storage
) -> None:
    project.run("dvc", "remote", "add", "-q", "-d", "store", folder.url)
    project.run("dvc", "remote", "modify", "-q", "store", "verify", "true")
    commit(project)
    project.run("dvc", "push")
    damaged = stored(folder, project.folder / MODEL)
    damaged.chmod(0o644)
    damaged.write_bytes(b"damaged" + damaged.read_bytes()[7:])
    damaged.chmod(0o444)  # as DVC leaves it: nothing but the content tells
    second = clone(project, folder)
    said = second.run("dvc", "pull", fails=True)
    assert f"Checkout failed for following targets:\n{MODEL}" in said
    assert "Traceback" not in said
    assert not (second.folder / MODEL).exists()

    # The whole copy of the first clone mends the remote.
    damaged.unlink(missing_ok=True)
    project.run("dvc", "push")
    second.run("dvc", "pull")
    assert second.repro() == []
    assert second.files("artifacts") == project.files("artifacts")

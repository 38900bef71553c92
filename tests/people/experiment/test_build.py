"""What `humanlike experiment build` makes, and what it refuses."""

import json
import shutil
import zipfile
from contextlib import chdir
from pathlib import Path

import pytest
from experiments import ROOT, change_experiment

from humanlike import studies
from humanlike.commands import experiment
from humanlike.errors import HumanlikeError
from humanlike.people.experiment import assemble


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_params_make_the_same_bytes(build, built) -> None:
    assert files(build()) == files(built)
    jatos = build("jatos")
    assert files(build("jatos")) == files(jatos)
    other = experiment.read_study(build(seed=2))
    assert other.study != experiment.read_study(built).study


def test_the_page_needs_nothing_from_elsewhere_and_tells_no_answer(built) -> None:
    page = files(built / "page")
    scripts = b"".join(content for name, content in page.items() if name.endswith((".js", ".css")))
    assert b"sourceMappingURL" not in scripts and b"@import" not in scripts
    assert b"//" not in page["index.html"].replace(b"<!doctype", b"")
    study = experiment.read_study(built)
    config = json.loads(page["config.json"])
    # The practice faces' expressions are told, the others' are not.
    assert len(config["practice"]) == 2
    assert not set(study.expressions) & {trial[0] for trial in config["practice"]}
    assert not any(name.encode() in page["config.json"] for name in study.expressions)
    assert "lists.json" not in page and not (built / "page" / "study.json").exists()
    pictures = {Path(name).stem for name in page if name.startswith("stimuli/")}
    assert pictures >= {trial.stimulus for each in study.lists for trial in each}


def test_package_json_names_exact_versions(built) -> None:
    wanted = json.loads((built / "package.json").read_text())["dependencies"]
    assert wanted == {"jspsych": "8.3.0", "@jspsych/plugin-html-button-response": "2.1.0"}
    assert not list(built.rglob("package-lock.json"))
    with pytest.raises(HumanlikeError, match=r"jspsych 8.3.0: .* npm brought something else"):
        assemble.vendor_file("jspsych", b"something else")


def test_the_archive_for_jatos(build) -> None:
    folder = build("jatos")
    assert sorted(path.name for path in folder.iterdir()) == [
        "jatos.jzip",
        "package.json",
        "stimuli",
        "study.json",
    ]
    with zipfile.ZipFile(folder / "jatos.jzip") as archive:
        names = archive.namelist()
        properties = json.loads(archive.read(next(n for n in names if n.endswith(".jas"))))["data"]
    assert {name.split("/")[0] for name in names if "/" in name} == {properties["dirName"]}
    assert {"uuid", "title", "dirName", "componentList"} <= set(properties)
    assert "study.json" not in {Path(name).name for name in names}
    assert f"{properties['dirName']}/lists.json" in names


@pytest.fixture
def home(project, tmp_path) -> Path:
    """A project to break, with what npm brought where an earlier test had it."""
    shutil.copytree(project / "people", tmp_path / "people")
    return tmp_path


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"task": "guess"}, "experiment.task: 'guess' is not allowed"),
        ({"pairs": [["anger", "anger"]]}, "experiment.pairs: 'anger' is named twice"),
        ({"pairs": [["anger", "fear"], ["fear", "anger"]]}, "is named twice"),
        ({"pairs": []}, "pairs: uncover needs them"),
        ({"pairs": [["happiness", "sadness"]]}, "no stimulus is of any of them"),
        ({"trials": 60}, "experiment.trials: 60 need 15 stimuli"),
        ({"practice": 24}, "experiment.practice: 24 of 24 stimuli leave none"),
        ({"confidence": 1}, "experiment.confidence: 1 is not allowed; give 0"),
        ({"radius": "wide"}, "experiment.radius: 'wide' is not allowed"),
        ({"more": 1}, "experiment.more: there is no such key"),
    ],
)
def test_bad_params_are_named(home, project, values, said) -> None:
    change_experiment(home, **values)
    with chdir(home), pytest.raises(HumanlikeError) as error:
        experiment.build(Path("experiment"), project / "stimuli")
    assert said in str(error.value)
    assert not (home / "experiment").exists()


def test_bad_texts_are_named(home, project) -> None:
    words = home / "people" / "texts" / "words.yaml"
    text = words.read_text()
    for broken, said in (
        (text.replace("agree: I", "agreed: I"), "words.yaml: agree: the word is missing"),
        (text.replace("start: Start", "start: true"), "words.yaml: start: True is not a text"),
        (text.replace("start: Start", "start: ["), "a text is not valid"),
    ):
        words.write_text(broken)
        with chdir(home), pytest.raises(HumanlikeError) as error:
            experiment.build(Path("experiment"), project / "stimuli")
        assert said in str(error.value) and "\n" not in str(error.value)
    (home / "people" / "texts" / "consent.md").unlink()
    with chdir(home), pytest.raises(HumanlikeError, match=r"consent.md: cannot be read"):
        experiment.build(Path("experiment"), project / "stimuli")


def test_texts_bring_no_html_and_no_pictures() -> None:
    made = assemble.html(
        "# A *study*\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![y](http://z/y.png)"
    )
    assert "<h1>A <em>study</em></h1>" in made and "&lt;script&gt;" in made
    assert "<script" not in made and "<img" not in made and "href" not in made.split("!")[0]


def test_a_folder_of_something_else_or_with_answers_is_left_alone(build, project) -> None:
    folder = build()
    home = folder.parent
    (home / "mine").mkdir()
    (home / "mine" / "thesis.txt").write_text("x")
    with chdir(home), pytest.raises(HumanlikeError, match="mine holds something else"):
        experiment.build(Path("mine"), project / "stimuli")
    (folder / "answers.sqlite").write_text("answers")
    with chdir(home), pytest.raises(HumanlikeError, match="holds answers to this study"):
        experiment.build(Path("experiment"), project / "stimuli")
    assert (folder / "answers.sqlite").read_text() == "answers"


def test_what_is_not_built_for_a_server_is_not_served(build, tmp_path) -> None:
    with pytest.raises(HumanlikeError, match="not built for a server"):
        experiment.serve(build("static"))
    with pytest.raises(HumanlikeError, match="`humanlike experiment build` makes it"):
        experiment.serve(tmp_path)


def test_an_address_that_is_taken_is_told(inside, built, tmp_path) -> None:
    with pytest.raises(HumanlikeError, match=f"127.0.0.1:{inside.port}: cannot be listened on"):
        experiment.serve(built, port=inside.port, database=tmp_path / "other.sqlite")


def test_without_npm_the_way_out_is_told(home, project, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with chdir(home), pytest.raises(HumanlikeError, match=r"install Node\.js, or `pip install"):
        experiment.build(Path("experiment"), project / "stimuli")


def test_the_params_and_texts_that_come_with_the_project_are_whole() -> None:
    settings = studies.load_section("experiment", studies.Experiment, ROOT / studies.PARAMS)
    assert settings.trials % (2 * len(settings.pairs)) == 0
    with chdir(ROOT):
        words, texts = experiment._read_texts(studies.PEOPLE / "texts")
    assert set(words) == assemble.WORDS and set(texts) == set(assemble.TEXTS)

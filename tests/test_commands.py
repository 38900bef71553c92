"""Every command in the README and the documents: it is one that there is, and a test runs it.

Cheap ones run here, in a finished small project. `ELSEWHERE` names the tests that run the others,
often with fewer faces. A command that is in neither fails.
"""

import ast
import itertools
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import typer
from project import ROOT, Project, copy
from ruamel.yaml import YAML

from humanlike import cli, params

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:humanlike|dvc) [^`…]+)`")

#: Beginnings of commands -> the test that runs such a one.
ELSEWHERE = {
    "make repro": "test_workflows.py::test_the_steps_reproduce_and_comment",
    "make test": "test_workflows.py::test_the_tests_are_those_that_run_here",
    "dvc exp run -S lime.samples=": "test_pipeline.py::"
    "test_samples_rerun_explanations_and_train_nothing",
    "dvc exp run -S explain.method=": "test_pipeline.py::"
    "test_another_method_explains_again_and_its_section_alone_counts",
    "dvc exp run -S score.threshold=": "test_pipeline.py::"
    "test_threshold_reruns_score_alone_and_never_loads_tensorflow",
    "dvc repro --pull --allow-missing": "test_pipeline.py::"
    "test_a_fresh_clone_scores_with_other_params_and_trains_nothing",
    "dvc exp run --pull --allow-missing": "test_pipeline.py::"
    "test_a_fresh_clone_scores_with_other_params_and_trains_nothing",
    "dvc add data": "test_pipeline.py::test_first_run_makes_every_stage_and_every_file",
    "humanlike audit": "commands/test_audit.py::test_the_whole_way",
    "humanlike plan": "commands/test_plan.py::test_what_has_not_run_here_is_measured_once",
    "humanlike power": "commands/test_power.py::"
    "test_a_run_whose_heatmaps_are_the_masks_needs_few_subjects",
    "humanlike validate --method": "commands/test_validate.py::"
    "test_methods_are_compared_on_a_tiny_set",
    "humanlike validate": "commands/test_validate.py::"
    "test_a_tiny_validation_from_drawing_to_verdict",
    "dask scheduler": "test_interruptions.py::"
    "test_dispatch_killed_half_way_records_what_was_done_and_then_the_rest",
    "dask worker": "test_interruptions.py::"
    "test_dispatch_killed_half_way_records_what_was_done_and_then_the_rest",
    "humanlike dispatch": "test_interruptions.py::"
    "test_dispatch_killed_half_way_records_what_was_done_and_then_the_rest",
    "dvc repro explain": "test_interruptions.py::"
    "test_a_dask_worker_killed_while_it_explains_costs_no_byte",
    "humanlike experiment build": "people/experiment/test_build.py::"
    "test_the_same_params_make_the_same_bytes",
    "humanlike experiment serve": "people/experiment/test_server.py::"
    "test_an_observer_from_begin_to_end",
    "humanlike people boundary": "stages/test_boundary.py::"
    "test_from_networks_to_choices_and_back",
    "humanlike people hesitation": "stages/test_boundary.py::"
    "test_from_networks_to_choices_and_back",
    "humanlike people align": "stages/test_boundary.py::"
    "test_from_networks_to_choices_and_back",
    "humanlike people reference": "stages/test_people.py::test_people_become_a_reference",
    "dvc pull people/data.dvc": "test_commands.py::test_the_sample_of_people_comes_along",
    "dvc repro people/dvc.yaml": "stages/test_people.py::test_the_same_params_give_the_same_bytes",
    "dvc exp run -S train.guidance.": "test_pipeline.py::"
    "test_guidance_trains_again_and_so_does_the_evidence_it_names",
    "dvc exp run -S score.references=": "test_pipeline.py::"
    "test_references_rerun_score_alone_and_change_nothing_of_the_first",
    "python -c from dask_jobqueue": "test_commands.py::test_the_slurm_cluster_takes_these_settings",
    "dvc push": "test_remotes.py::test_a_second_clone_pulls_everything_and_runs_nothing",
    "git commit": "test_remotes.py::test_a_second_clone_pulls_everything_and_runs_nothing",
    "dvc exp run --queue": "test_commands.py::test_the_study_of_settings_runs",
    "dvc exp run --run-all": "test_commands.py::test_the_study_of_settings_runs",
    "dvc queue start": "test_commands.py::test_the_study_of_settings_runs",
    "python benchmarks/explain.py": "test_benchmarks.py::test_the_benchmark_measures_a_network",
    "python benchmarks/scaling.py": "test_benchmarks.py::"
    "test_the_benchmark_measures_growth_and_keeps_what_else_is_known",
    "python benchmarks/table.py": "test_benchmarks.py::"
    "test_documents_agree_with_what_was_measured",
    "python benchmarks/study.py": "test_commands.py::test_the_study_of_settings_runs",
}  # fmt: skip

#: Beginnings of commands that run here.
HERE = (
    *(
        "dvc repro",
        "humanlike status",
        "dvc metrics diff",
        "dvc exp show",
        "dvc plots show",
        "dvc remote",
    ),
    *("humanlike datasets check", "humanlike masks", "humanlike paper", "cp profiles/"),
    "humanlike score-heatmaps",
)

#: What stands for something of the reader's own, and what it is here.
STAND_INS = {"DIR": "artifacts/heatmaps", "OUT": "out"}

#: What is told by other params here than by the profile's, which would take hours.
SHORTER = {"cp profiles/": ("dvc", "repro", "--dry", "train")}


class Command(NamedTuple):
    """One command of a page."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def fenced() -> Iterator[list[Command]]:
    """The commands of each block of shell."""
    for page in PAGES:
        for language, body in FENCE.findall(page.read_text(encoding="utf-8")):
            if language in ("sh", ""):
                yield [Command(page.name, words) for words in commands(body)]


def commands(body: str) -> Iterator[tuple[str, ...]]:
    """The words of each command, without comments, its variables filled in."""
    variables: dict[str, str] = {}
    held = ""
    for line in body.replace("\\\n", " ").splitlines():
        held += line
        for name, value in variables.items():
            held = held.replace(f"${name}", value)
        try:
            words = shlex.split(held, comments=True)
        except ValueError:  # a quotation that goes on
            held += "\n"
            continue
        held = ""
        assigned = re.fullmatch(r"(\w+)=(.*)", words[0], re.DOTALL) if len(words) == 1 else None
        if assigned:
            variables[assigned[1]] = assigned[2]
            continue
        one: list[str] = []
        for word in [*words, "&&"]:
            if word not in ("&&", "&"):
                one.append(word)
            elif one:
                yield tuple(one)
                one = []
    assert not held, held


def inline() -> Iterator[Command]:
    """Commands within sentences."""
    for page in PAGES:
        for text in INLINE.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
            yield Command(page.name, tuple(shlex.split(text)))


BLOCKS = list(fenced())
ALL = [command for block in BLOCKS for command in block if command.words[0] != "export"]


def row(command: Command, table: Any) -> str | None:
    """The longest beginning in a table that the command has."""
    said = " ".join(command.words)
    return max((start for start in table if said.startswith(start)), key=len, default=None)


def runs_here(command: Command) -> bool:
    here, elsewhere = row(command, HERE), row(command, ELSEWHERE)
    return here is not None and (elsewhere is None or len(here) > len(elsewhere))


def test_a_page_is_read_as_a_shell_reads_it() -> None:
    body = "a=\"-S x=[1]\"\n# no\ndvc exp run $a && b 'c d'  # e\npython -c \"\nf('g')\"\nh &\n"
    assert list(commands(body)) == [
        ("dvc", "exp", "run", "-S", "x=[1]"),
        ("b", "c d"),
        ("python", "-c", "\nf('g')"),
        ("h",),
    ]


@pytest.mark.parametrize("command", ALL, ids=str)
def test_a_test_runs_it(command: Command) -> None:
    if runs_here(command):
        return
    start = row(Command(command.page, tuple(" ".join(command.words).split())), ELSEWHERE)
    assert start, f"no test runs this: {command}"
    file, _, name = ELSEWHERE[start].partition("::")
    tree = ast.parse((ROOT / "tests" / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_no_row_is_of_a_command_that_is_nowhere() -> None:
    said = [" ".join(" ".join(command.words).split()) for command in ALL]
    assert [
        start for start in (*ELSEWHERE, *HERE) if not any(s.startswith(start) for s in said)
    ] == []


def overrides(words: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The params that a command sets, each value of a grid by itself."""
    for option, value in itertools.pairwise(words):
        if option == "-S":
            key, _, values = value.partition("=")
            for one in [values] if values.startswith("[") else values.split(","):
                yield key, one


@pytest.mark.parametrize("command", [*ALL, *inline()], ids=str)
def test_it_is_a_command_with_these_options(command: Command) -> None:
    program, *words = command.words
    if program == "humanlike":
        parse(typer.main.get_command(cli.app), words, complete=command in ALL)
    elif program == "dvc":
        from dvc.cli.parser import get_main_parser

        if command in ALL or not needs_more(words):
            get_main_parser().parse_args(words)
        values = YAML(typ="safe").load(ROOT / "params.yaml")
        for key, value in overrides(command.words):
            *sections, last = key.split(".")
            section = values
            for name in sections:
                section = section[name]
            assert last in section, key
            if "mobilenetv2" not in value:  # docs/adding.md adds it
                section[last] = YAML(typ="safe").load(value)
        params.parse(values)


def needs_more(words: list[str]) -> bool:
    """Whether a sentence names a command without what it is to work on."""
    return words in (["exp", "apply"], ["metrics"])


def parse(command: click.Command, words: list[str], complete: bool) -> None:
    """Refuse words that the command line would; a sentence may leave out arguments."""
    with command.make_context("humanlike", list(words), resilient_parsing=not complete) as context:
        if isinstance(command, click.Group):
            rest = [*context._protected_args, *context.args]
            if rest:
                _, found, others = command.resolve_command(context, rest)
                assert found
                parse(found, others, complete)


@pytest.mark.slow
def test_they_run_in_a_small_project(finished: Project, tmp_path: Path) -> None:
    project = copy(finished, tmp_path / "project")
    ran: set[tuple[str, ...]] = set()
    for command in ALL:
        if not runs_here(command) or command.words in ran:
            continue
        ran.add(command.words)
        words = [STAND_INS.get(word, word) for word in command.words]
        if "--output" in words and command.words[words.index("--output") + 1] == "DIR":
            words[words.index("--output") + 1] = "out"
        if words[0] == "cp":
            shutil.copy(project.folder / words[1], project.folder / words[2])
            said = project.run(*SHORTER["cp profiles/"])
            assert "Running stage 'train@vgg16-0'" in said
            project.restore()
        elif words[:3] == ["dvc", "remote", "add"]:
            project.run(*words[:3], "--force", *words[3:])
        else:
            project.run(*words)
    for made in ("references/mine/anger.png", "paper/tables/table_3.csv", "out/scores.csv"):
        assert (project.folder / made).is_file(), made
    page = (project.folder / "dvc_plots/index.html").read_text()
    assert "grid-template-columns" in page, "the project's own layout"
    assert len(re.findall(r"<img src=", page)) == 2 and page.count("vegaEmbed(") == 1


def test_the_sample_of_people_comes_along(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    for name in (".dvc/config", "people/data.dvc"):
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project.folder / name)
    shutil.copytree(ROOT / "remote", project.folder / "remote")
    project.run("git", "init", "-q")
    project.run("dvc", "pull", "people/data.dvc")
    assert list((project.folder / "people/data").rglob("*simulated*"))


def test_the_slurm_cluster_takes_these_settings() -> None:
    jobqueue = pytest.importorskip("dask_jobqueue")
    (code,) = (command.words[2] for command in ALL if command.words[:2] == ("python", "-c"))
    (call,) = (
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "SLURMCluster"
    )
    settings = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    job = jobqueue.slurm.SLURMJob("tcp://127.0.0.1:1", name="test", **settings)
    assert "-n 1" in job.job_script() and "--cpus-per-task=8" in job.job_script()


@pytest.mark.slow
def test_the_study_of_settings_runs(finished: Project, tmp_path: Path) -> None:
    """The experiments of docs/study.md: of each grid the first values, and few samples."""
    project = copy(finished, tmp_path / "project")
    (block,) = (b for b in BLOCKS if b[0].page == "study.md")
    for _, words in block:
        short = [re.sub(r"^([a-z.]+=[^\[,]+),.*", r"\1", word) for word in words]
        short = [re.sub(r"^lime.samples=.*", "lime.samples=24", word) for word in short]
        if "--queue" in short and "reference" not in short and "lime.superpixels=10" not in short:
            continue
        project.run(*short)
    assert (project.folder / "docs/study.csv").read_text().count("\n") == 3
    queued = project.run("dvc", "queue", "status")
    assert queued.count("Success") == 2

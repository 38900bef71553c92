"""What the documents say of the results that come with the project."""

import ast
import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from humanlike.explainers.methods import METHODS
from humanlike.expressions import EXPRESSIONS
from humanlike.networks.registry import NETWORKS

ROOT = Path(__file__).parents[1]
UNNAMED = {"mean", "low", "high", "networks", *EXPRESSIONS, *NETWORKS}


def names(values: object) -> Iterator[str]:
    """Every key of nested figures but those that only say whose figure it is."""
    if isinstance(values, dict):
        for key, value in values.items():
            if key not in UNNAMED:
                yield key
            yield from names(value)


WRITTEN = ("metrics/train", "metrics/score", "metrics/explain", "plots/score/summary",
           "plots/score/explanations")  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_every_figure_is_explained(name: str) -> None:
    path = ROOT / f"{name}.json"
    if not (ROOT / "plots/score/summary.json").exists():
        pytest.skip("the committed results are older than these files")
    figures = set(names(json.loads(path.read_text())))
    assert figures
    text = (ROOT / "docs" / "scores.md").read_text()
    missing = {f for f in figures if f"`{f}`" not in text and f".{f}`" not in text}
    missing = {f for f in missing if f"`{f}." not in text}
    assert not missing


def shortly(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".removeprefix("0")


def test_the_readme_says_what_the_runs_found() -> None:
    """Of the run that comes with the project, and of trainings from five seeds."""
    text = " ".join((ROOT / "README.md").read_text().split())
    score = json.loads((ROOT / "plots/score/summary.json").read_text())
    explained = json.loads((ROOT / "plots/score/explanations.json").read_text())
    with (ROOT / "docs" / "seeds.csv").open() as file:
        seeds = {row["figure"]: row for row in csv.DictReader(file)}
    interval = score["iou_interval"]
    rows = [
        ("heatmap and its own expression's mask", shortly(score["iou"]), "iou"),
        (
            "its 95 % interval (two folds know little)",
            f"{shortly(interval['low'])} to {shortly(interval['high'])}",
            "",
        ),
        ("the masks of the other expressions", shortly(score["other_masks"]), "others"),
        ("random pixels, as many", shortly(score["chance"]["area"]), ""),
        ("the same region anywhere else", shortly(score["chance"]["shift"]), "chance"),
        ("a fixed ellipse in the middle of the face", shortly(score["prior"]["ellipse"]), ""),
        ("one fold's heatmap and another's", shortly(score["reliability"]), "folds"),
        (
            "a perfect explainer limited to the same superpixels",
            shortly(score["ceiling"]),
            "ceiling",
        ),
        ("p of permuting the masks", shortly(score["permutation_p"]), "p"),
    ]

    def of_seeds(figure: str, digits: int = 3) -> str:
        return " to ".join(shortly(float(seeds[figure][end]), digits) for end in ("low", "high"))

    for title, this, figure in rows:
        assert f"| {title} | {this} | {of_seeds(figure) + ' ' if figure else ''}|" in text
        if figure:
            assert shortly(float(seeds[figure]["seed1"])) == this

    def percent(value: float | str) -> str:
        return f"{100 * float(value):.0f}"

    learned = json.loads((ROOT / "metrics/train.json").read_text())["accuracy"]
    for figure, value, words in (
        ("accuracy", learned, "recognise {} % ({} to {} %)"),
        ("r2", explained["r2"]["mean"], "explains {} % ({} to {} %)"),
    ):
        ends = (seeds[figure]["low"], seeds[figure]["high"])
        assert words.format(percent(value), *map(percent, ends)) in text
    stability = shortly(explained["stability"]["heatmaps"]["mean"], 2)
    assert f"correlate {stability} ({of_seeds('stability', 2)})" in text
    hidden, at_random = (shortly(explained[k]["mean"], 2) for k in ("deletion", "random"))
    assert (
        f"is {hidden} on average while superpixels are hidden in LIME's order, {at_random}" in text
    )


def diffs(page: str) -> list[str]:
    return re.findall(r"```diff\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources and params with every diff of the documents applied."""
    folder = tmp_path_factory.mktemp("added")
    shutil.copytree(ROOT / "src", folder / "src")
    shutil.copy(ROOT / "params.yaml", folder)
    found = [*diffs("explainers.md"), *diffs("adding.md")]
    assert len(found) == 4
    for diff in found:
        done = subprocess.run(
            ["git", "apply", "-"], cwd=folder, input=diff, text=True, capture_output=True
        )
        assert done.returncode == 0, done.stderr
    return folder


def python(folder: Path, code: str) -> str:
    return subprocess.check_output(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        text=True,
    )


def test_what_the_diffs_add_is_there(added: Path) -> None:
    said = python(
        added,
        "from humanlike.params import load; from humanlike.networks.registry import NETWORKS;"
        "params = load(); print(params.hirescam.output, *params.score.references);"
        "print(len(NETWORKS), params.train.optimisation['mobilenetv2'].epochs)",
    )
    assert said.splitlines() == ["logit ekman evidence mine", "13 2"]


def test_the_added_data_set_is_read(added: Path) -> None:
    pictures = added / "data" / "kdef"
    pictures.mkdir(parents=True)
    for name in ("AF01ANS", "AF01AFS", "BM35SUS", "AF01ANHL", "note"):
        (pictures / f"{name}.JPG").touch()
    said = python(
        added,
        "from pathlib import Path; from humanlike import datasets; "
        "found = datasets.read(Path('data')); print(found.forms, len(found.skipped));"
        "print(found.photographs[['subject', 'expression']].to_csv(index=False))",
    )
    assert said.split() == [
        *("{'kdef':", "'kdef'}", "2", "subject,expression"),
        *("kdef/F01,fear", "kdef/F01,anger", "kdef/M35,surprise"),
    ]


@pytest.mark.slow
def test_the_added_network_has_the_parameters_that_are_said(added: Path) -> None:
    said = python(
        added,
        "from humanlike.networks.registry import NETWORKS; "
        "from humanlike.networks.builder import build; "
        "print(build('mobilenetv2').count_params(), NETWORKS['mobilenetv2'].parameters)",
    )
    built, told = map(int, said.split())
    assert built == told


def strings(folder: Path) -> Iterator[str]:
    """Every text in the sources of a package; what is filled in later is an ellipsis."""
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "…"
                    for part in node.values
                )


def test_every_message_that_is_explained_is_one_that_is_said() -> None:
    import dvc

    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    messages = re.findall(r"^\| `(.+?)` \| ", text, re.MULTILINE)
    assert len(messages) == text.count("\n| `") > 25
    ours = [*strings(ROOT / "src" / "humanlike"), (ROOT / "Makefile").read_text()]
    theirs = list(strings(Path(dvc.__file__).parent))
    own = text[: text.index("## DVC's own")].count("\n| `")
    for number, message in enumerate(messages):
        # What varies may be spelled "…", or be filled in with other words.
        parts = [part for part in message.split("…") if part.strip()]
        pattern = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
        said = ours if number < own else theirs
        assert any(pattern.search(one) for one in said), message


def test_the_modules_of_the_python_page_are_there() -> None:
    modules = re.findall(r"^::: ([\w.]+)$", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)
    assert len(modules) > 20
    for module in modules:
        path = ROOT / "src" / Path(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__init__.py").exists(), module


def test_every_page_is_in_the_site() -> None:
    site = (ROOT / "mkdocs.yml").read_text()
    assert all(f": {page.name}" in site for page in (ROOT / "docs").glob("*.md"))


def test_every_method_is_explained() -> None:
    text = (ROOT / "docs" / "explainers.md").read_text()
    assert all(f"| `{method}` |" in text for method in METHODS)


def test_the_table_of_guided_networks_is_the_one_that_was_made() -> None:
    taught = {"none": "nothing", "ekman": "the masks", "permuted-ekman": "other expressions' masks"}
    with (ROOT / "docs" / "guidance.csv").open() as file:
        made = list(csv.DictReader(file))
    expected = []
    for row in made:
        figures = [f"{float(row['accuracy']):.3f}"]
        for against in ("ekman", "evidence"):
            figures += [f"{float(row[f'{against}_{name}']):.3f}" for name in ("own", "others", "p")]
        cells = [row["network"], taught[row["reference"]], row["epochs"], row["seed"], *figures]
        expected.append(f"| {' | '.join(cells)} |".replace(" 0.", " ."))
    text = (ROOT / "docs" / "guidance.md").read_text()
    said = re.findall(r"^\| (?:weinet|songnet) .*$", text, re.MULTILINE)
    assert sorted(said) == sorted(expected)
    assert all(row["weight"] == ("0.0" if row["reference"] == "none" else "0.9") for row in made)


def test_the_comparison_of_methods_is_the_one_that_was_made() -> None:
    made = (ROOT / "docs" / "explainers" / "explainers.md").read_text()
    text = (ROOT / "docs" / "explainers.md").read_text()
    command, reading = re.search(r"Made by `(.*?)`.*?\n\n(.*?)\n\n", made, re.DOTALL).groups()
    summary = made[made.index("## All sets") : made.index("## Each set")]
    assert f"`{command} -o docs/explainers`" in " ".join(text.split())
    assert reading in " ".join(text.split())
    rows = re.findall(r"^\| .*$", summary, re.MULTILINE)
    assert len(rows) == 2 + len(METHODS) + 2 and all(row in text for row in rows)

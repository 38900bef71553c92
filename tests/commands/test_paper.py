"""`humanlike paper`, from published heatmaps and from a run."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from project import Project, copy

from humanlike.commands.paper import write
from humanlike.errors import HumanlikeError
from humanlike.expressions import EXPRESSIONS
from humanlike.figures import PRINTED_WIDTH
from humanlike.report.paper import network_name


@pytest.fixture(scope="module")
def written(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("paper")
    write(output, shared / "golden" / "heatmaps_by_fold")
    return output


@pytest.mark.parametrize(
    ("table", "figures"), [("table_3", ("iou", "f1")), ("table_4", ("precision", "recall"))]
)
def test_published_tables_come_out_again(
    written: Path, shared: Path, table: str, figures: tuple[str, str]
) -> None:
    published = pd.read_csv(shared / "golden" / "published_tables_3_4.csv")
    ours = pd.read_csv(written / "tables" / f"{table}.csv").set_index("network")
    latex = (written / "tables" / f"{table}.tex").read_text()
    networks = [name for name in ours.index if name != "mean"]
    assert len(networks) == 6
    rows = published[published["network"].map(network_name).isin(networks)]
    assert len(rows) == 36
    for row in rows.itertuples():
        for name in figures:
            value = ours.loc[network_name(row.network), f"{row.expression} {name}"]
            assert value == pytest.approx(getattr(row, name), abs=1.01e-4)
            assert f"{value:.4f}" in latex
    means = rows.groupby("network")[figures[0]].mean().rename(network_name)
    for network, mean in means.items():
        assert ours.loc[network, f"mean {figures[0]}"] == pytest.approx(mean, abs=1e-4)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
def test_latex_sets_every_table_on_its_page(written: Path, tmp_path: Path) -> None:
    tables = sorted((written / "tables").glob("*.tex"))
    inputs = "\\clearpage\n".join(f"\\input{{{path}}}" for path in tables)
    (tmp_path / "all.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs,array,graphicx}"
        f"\\begin{{document}}\n{inputs}\n\\end{{document}}\n"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert len(tables) == 4 and "Output written on all.pdf (4 pages" in done.stdout
    assert "Overfull" not in done.stdout and "too large" not in done.stdout


def test_ranks_of_published_heatmaps(written: Path) -> None:
    table = pd.read_csv(written / "tables" / "table_5.csv")
    assert len(table) == 36 and table["where"].str.contains("the mask: ").all()
    best = table[table["place"] == "best 1"].set_index("expression")["network"]
    assert best["disgust"] == "InceptionV3" and best["fear"] == "SilNet"


def test_figures_are_as_wide_as_a_page(written: Path) -> None:
    names = {path.stem for path in (written / "figures").iterdir()}
    assert names == {
        "scores_by_expression", "heatmaps_by_expression", "heatmaps_by_network_1", "dendrograms",
    }  # fmt: skip
    for path in (written / "figures").iterdir():
        content = path.read_bytes()
        assert content.startswith(b"%PDF") and b"CreationDate" not in content
        width = float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", content)[1])
        assert width == pytest.approx(72 * PRINTED_WIDTH, abs=1)


def test_same_heatmaps_same_bytes(written: Path, shared: Path, tmp_path: Path) -> None:
    write(tmp_path, shared / "golden" / "heatmaps_by_fold")
    files = [path.relative_to(written) for path in written.rglob("*") if path.is_file()]
    assert len(files) == 12
    for name in files:
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes(), name


def test_of_a_run_with_its_methods(finished: Project, tmp_path: Path) -> None:
    project = copy(finished, tmp_path / "project")
    said = project.run("humanlike", "paper", "--output", "paper", "--colours", "jet")
    for line in said.splitlines():
        assert (project.folder / line).is_file(), line
    methods = (project.folder / "paper/methods.txt").read_text()
    assert "24 faces of 4 people" in methods and "lime: samples 20" in methods
    networks = pd.read_csv(project.folder / "paper/tables/table_1.csv")
    assert list(networks["network"]) == ["WeiNet", "SongNet"]
    assert networks["accuracy"].between(0, 1).all()
    datasets = pd.read_csv(project.folder / "paper/tables/datasets.csv")
    assert datasets["faces"].sum() == 24 and set(EXPRESSIONS) <= set(datasets.columns)


def test_unknown_colours_end_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(HumanlikeError, match="--colours: rainbow is none of inferno, viridis"):
        write(tmp_path, colours="rainbow")

"""The paper's tables, against the published ones and cases worked by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from humanlike.canonical.masks import ekman_mask
from humanlike.canonical.parts import face_parts
from humanlike.expressions import EXPRESSIONS
from humanlike.params import ModelFile, load
from humanlike.report import paper
from humanlike.report.made import settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def published(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "golden" / "published_tables_3_4.csv")


def test_means_are_those_that_were_published(published: pd.DataFrame) -> None:
    three = paper.scores_table(published, ["iou", "f1"], EXPRESSIONS)
    four = paper.scores_table(published, ["precision", "recall"], EXPRESSIONS)
    # METHOD of the study: means over the rounded figures may be off by one in the last digit.
    assert three.loc["mean", ("mean", "iou")] == pytest.approx(0.2476, abs=1e-4)
    assert three.loc["mean", ("mean", "f1")] == pytest.approx(0.3806, abs=1e-4)
    assert four.loc["mean", ("mean", "precision")] == pytest.approx(0.4120, abs=1e-4)
    assert four.loc["mean", ("mean", "recall")] == pytest.approx(0.3819, abs=1e-4)
    of_networks = three["mean", "iou"].drop("mean")
    assert (of_networks.idxmax(), of_networks.idxmin()) == ("InceptionV3", "AlexNet")
    assert of_networks.max() == pytest.approx(0.3128, abs=1e-4)
    assert of_networks.min() == pytest.approx(0.2086, abs=1e-4)
    assert list(three.columns.get_level_values(0).unique()) == [*EXPRESSIONS, "mean"]


def test_all_twelve_are_ranked(published: pd.DataFrame) -> None:
    table = paper.ranking_table(published, EXPRESSIONS, {}, {})
    assert len(table) == 36
    for label in EXPRESSIONS:
        order = published[published["expression"] == label].sort_values("iou")["network"]
        names = [paper.network_name(key) for key in order]
        ours = table[table["expression"] == label].set_index("place")["network"]
        assert list(ours[["best 1", "best 2", "best 3"]]) == names[:-4:-1]
        assert list(ours[["worst 1", "worst 2", "worst 3"]]) == names[:3]
    disgust = table[(table["expression"] == "disgust") & (table["place"] == "best 1")]
    assert disgust["network"].item() == "InceptionV3" and disgust["iou"].item() == 0.5923


@pytest.mark.parametrize(
    ("networks", "best", "worst"), [(1, 1, 0), (2, 1, 1), (5, 2, 2), (7, 3, 3)]
)
def test_no_network_is_best_and_worst(networks: int, best: int, worst: int) -> None:
    scores = pd.DataFrame(
        {
            "network": [f"n{i}" for i in range(networks)],
            "expression": "fear",
            "iou": range(networks),
        }
    )
    table = paper.ranking_table(scores, ["fear"], {}, {})
    halves = table["place"].str.split().str[0].value_counts()
    assert (halves.get("best", 0), halves.get("worst", 0)) == (best, worst)
    assert table["network"].is_unique


def test_ranks_are_explained_by_the_parts_of_the_face() -> None:
    scores = pd.DataFrame({"network": ["weinet"], "expression": ["fear"], "iou": [0.3]})
    heatmaps = {("weinet", "fear"): face_parts()["mouth"].astype(float)}
    (where,) = paper.ranking_table(scores, ["fear"], heatmaps, {"fear": ekman_mask("fear")})[
        "where"
    ]
    assert "outside the mask: mouth (" in where and "missed in the mask: " in where


def test_networks_with_their_accuracy() -> None:
    accuracy = pd.DataFrame(
        {"network": ["weinet", "weinet", "mine"], "fold": [0, 1, 0], "accuracy": [0.8, 0.9, 0.5]}
    )
    table = paper.networks_table(["weinet", "mine"], accuracy)
    weinet, mine = table.to_dict("records")
    assert weinet["parameters"] == 1_728_230 and weinet["pretrained"] == "no"
    assert weinet["accuracy"] == pytest.approx(0.85)
    assert weinet["deviation"] == pytest.approx(np.std([0.8, 0.9], ddof=1))
    assert mine["network"] == "mine" and pd.isna(mine["parameters"]) and pd.isna(mine["deviation"])
    assert "--" in paper.latex_table(table, "", "tab:1")


def test_latex_is_escaped_and_every_row_has_every_column() -> None:
    assert paper.latex(r"50%_a&b\c{}~^#$") == (
        r"50\%\_a\&b\textbackslash{}c\{\}\textasciitilde{}\textasciicircum{}\#\$"
    )
    scores = pd.DataFrame(
        [(n, e, 0.12345, 0.5) for n in ("weinet", "my_net") for e in ("anger", "fear")],
        columns=["network", "expression", "iou", "f1"],
    )
    text = paper.latex_table(paper.scores_table(scores, ["iou", "f1"], EXPRESSIONS), "A & b", "t")
    assert r"\caption{A \& b}" in text and r"my\_net" in text
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 5
    assert [row.count("&") for row in rows] == [3, 6, 6, 6, 6]
    assert rows[2] == r"WeiNet & 0.1235 & 0.5000 & 0.1235 & 0.5000 & 0.1235 & 0.5000 \\"
    assert text.count(r"\begin") == text.count(r"\end")
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


@pytest.mark.parametrize("profile", ["params.yaml", "profiles/paper.yaml"])
def test_methods_name_every_setting(profile: str) -> None:
    params = load(ROOT / profile)
    listed = settings(params)
    text = paper.methods(params, {"faces": 720, "subjects": 40}, listed)
    for section, values in listed.items():
        assert f"{section}: " in text
        for name, value in values.items():
            assert f"{name} {value}" in text
    assert "720 faces of 40 people" in text
    assert text.startswith("Faces were found by dlib's HOG detector")
    assert "40 people" not in paper.methods(params, None, listed)
    assert "taught" not in text


def test_methods_of_networks_from_files_speak_of_no_training() -> None:
    params = load(ROOT / "params.yaml")
    file = ModelFile(file="x.onnx", sha256="0" * 64, classes=["anger", "fear"], input="0..1")
    optimisation = {**params.train.optimisation, "theirs": file, "others": file}

    def text(*networks: str) -> str:
        changed = {"networks": networks, "optimisation": optimisation}
        found = params.model_copy(update={"train": params.train.model_copy(update=changed)})
        return paper.methods(found, None, {})

    of_one = text("theirs")
    assert "theirs told the expressions anger, disgust, " in of_one and "came from a file" in of_one
    assert not any(word in of_one for word in ("weights", "split", "held-out", "were compared"))
    both = text("theirs", "weinet", "others")
    assert "1 network (WeiNet) was trained from random weights" in both and "held-out" in both
    assert "theirs, others came from files, and were not trained here" in both
    assert "2 networks (WeiNet, SongNet) were trained" in text("weinet", "songnet")


def test_methods_say_where_networks_were_taught_to_look() -> None:
    params = load(ROOT / "params.yaml")
    asked = params.train.guidance.model_copy(update={"weight": 0.9, "reference": "ekman"})
    taught = params.model_copy(
        update={"train": params.train.model_copy(update={"guidance": asked})}
    )
    text = paper.methods(taught, None, settings(taught))
    assert "in 90% of the pictures superpixels were hidden at random (black)" in text
    assert "the share of its region (ekman) that was still shown" in text

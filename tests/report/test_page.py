"""The page as HTML: what it says, that it says nothing it was not given, that it loads nothing."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from humanlike.canonical.geometry import HEIGHT, WIDTH
from humanlike.expressions import EXPRESSIONS
from humanlike.figures import COLOURS
from humanlike.networks.registry import NETWORKS
from humanlike.report import sections
from humanlike.report.content import Content, Reference
from humanlike.report.page import render, visible

from .conftest import HOSTILE, blob

#: Elements that are never closed.
VOID = {"meta", "img", "br", "link", "path", "use", "line", "polyline", "circle", "input"}


class Page(HTMLParser):
    """Elements with their attributes, the text outside of scripts, and what is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def html(content) -> str:
    return render(content)


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def ids(page: Page) -> list[str]:
    return [attributes["id"] for _, attributes in page.elements if "id" in attributes]


def test_same_content_same_page(content, html) -> None:
    assert render(content) == html


def test_elements_are_closed_and_ids_are_unique(page) -> None:
    assert page.open == []
    assert len(ids(page)) == len(set(ids(page)))


def test_what_refers_to_an_id_finds_one(page) -> None:
    names = {"href", "aria-labelledby", "aria-describedby"}
    targets = [
        value.removeprefix("#")
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in names
    ]
    assert len(targets) > 20
    assert set(targets) <= set(ids(page))


def test_nothing_is_loaded(html, page) -> None:
    assert all(image["src"].startswith("data:image/webp;base64,") for image in page.all("img"))
    assert page.all("link") == [] and len(page.all("script")) == 1
    assert "url(" not in html and "http:" not in html and "https:" not in html
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none'; img-src data:;")
    script = re.search("<script>(.*?)</script>", html, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_hostile_names_are_words(html, page) -> None:
    assert HOSTILE not in html
    assert HOSTILE in page.text
    assert "\u202e" not in html and r"photo\u202egnp.exe" in page.text
    assert r"a\nb" in page.text


def test_how_many_faces_are_behind_a_heatmap(page) -> None:
    assert page.text.count("explained faces 14") == 12


def test_every_picture_is_told_in_words_with_its_figures(content, page) -> None:
    images = page.all("img")
    assert all(image["alt"] for image in images)
    scores = content.references[0].scores.set_index(["network", "expression"])
    told = next(i["alt"] for i in images if i["alt"].startswith("Where weinet looks for fear"))
    assert f"IoU with its own region {scores.loc[('weinet', 'fear'), 'iou']:.3f}"[-3:] in told
    assert re.search(r"most on the \w+|most beside the face", told)
    assert all(chart["aria-label"] for chart in page.all("svg") if chart.get("role") == "img")


SECTIONS = {
    "references": ("scores", "specificity", "answer-ekman"),
    "heatmaps": ("heatmaps",),
    "evidence": ("evidence",),
    "examples": ("steps",),
    "attention": ("attention",),
    "similarity": ("similarity",),
    "explainer": ("explainer",),
    "left_out": ("left-out",),
    "made": ("made",),
    "missing": ("missing",),
}


@pytest.mark.parametrize("field", SECTIONS)
def test_a_section_is_there_only_with_its_data(field, content, page) -> None:
    assert set(SECTIONS[field]) <= set(ids(page))
    nothing = getattr(Content(labels=[], networks=[]), field)
    left = ids(Page(render(replace(content, **{field: nothing}))))
    assert not set(SECTIONS[field]) & set(left)
    others = {name for key, names in SECTIONS.items() if key != field for name in names}
    assert others <= set(left)


def test_accuracy_and_learning_curves_go_together(content) -> None:
    bare = replace(content, accuracy=None, confusion=None, histories={})
    assert "accuracy" not in ids(Page(render(bare)))
    assert "accuracy" in ids(Page(render(replace(bare, histories=content.histories))))


def test_a_network_that_was_not_trained_has_no_learning_curve(content) -> None:
    empty = pd.DataFrame(columns=["accuracy", "val_accuracy"], dtype=float)
    histories = {**content.histories, ("weinet", 0): empty}
    names = [name for name, _ in sections.learned(replace(content, histories=histories))]
    assert names == [name for name in content.networks if name != "weinet"]


def test_remarks_stand_before_the_answer(content) -> None:
    page = Page(render(replace(content, remarks=["They were taught <b>where</b>."])))
    assert "They were taught <b>where</b>." in page.text
    assert page.text.index("They were taught") < page.text.index("How much, and how sure?")


def test_figures_beside_heatmaps_are_all_of_the_first_reference(content) -> None:
    (reference,) = content.references
    scores = reference.scores
    known = replace(reference, scores=scores[scores["expression"] != "fear"])
    other = replace(reference, key="other", name="other", scores=scores.assign(iou=0.9))
    row = sections.cells(replace(content, references=[known, other]))[0]
    ious = {cell["label"]: cell["iou"] for cell in row["cells"]}
    assert ious["fear"] is None and 0.9 not in ious.values()
    assert row["mean"] == pytest.approx(np.mean([ious[n] for n in ious if n != "fear"]))


def test_nothing_at_all_is_a_page_too() -> None:
    page = Page(render(Content(labels=["anger"], networks=["weinet"])))
    assert page.open == [] and page.all("img") == []


def test_unknown_figures_are_dashes(content) -> None:
    (reference,) = content.references
    nothing: dict = dict.fromkeys(reference.summary)
    summary = {**nothing, "iou": 0.25, "chance": {"shift": 0.15, "shift_p": 0.01}}
    scores = reference.scores[["network", "expression", "iou"]].assign(iou=np.nan)
    bare = replace(reference, summary=summary, networks={"weinet": summary}, scores=scores)
    page = Page(render(replace(content, references=[bare])))
    assert "cannot be told from so few people and trainings" in page.text
    assert "nan" not in page.text and "None " not in page.text


def test_a_second_reference_has_its_own_answer_and_outlines(content) -> None:
    people = Reference(
        key="people",
        name="where people look",
        question="Do the networks look where people look?",
        about="Clicks of people.",
        summary={"iou": 0.5, "chance": {"shift": 0.1, "shift_p": 0.001}, "permutation_p": 0.01},
        masks={"fear": np.eye(HEIGHT, WIDTH, dtype=bool)},
    )
    agreement = pd.DataFrame(
        [("ekman", "people", 0.3, 0.2, np.nan)],
        columns=["reference", "against", "iou", "other_masks", "permutation_p"],
    )
    both = replace(
        content,
        references=[*content.references, people],
        together="It looks at <b>neither</b>.",
        agreement=agreement,
    )
    page = Page(render(both))
    assert page.open == [] and len(ids(page)) == len(set(ids(page)))
    assert "It looks at <b>neither</b>." in page.text
    assert "Ekman's action units where people look .300 .200 –" in page.text
    assert "Do the networks look where people look?" in page.text
    assert "Yes: at the regions of the expression" in page.text
    outlines = [use for use in page.all("use") if use["data-reference"] == "people"]
    assert outlines and all("hidden" in use for use in outlines)
    assert all("hidden" not in u for u in page.all("use") if u["data-reference"] == "ekman")


def test_a_photograph_is_a_step_only_where_it_is_given(content) -> None:
    (example,) = content.examples
    shown = replace(example, face=np.full((64, 64), 90, np.uint8))
    assert "1. Landmarks" in Page(render(content)).text
    assert "Photographs are not shown" in Page(render(content)).text
    page = Page(render(replace(content, examples=[shown])))
    assert "1. Face" in page.text and "Photographs are not shown" not in page.text


def test_dense_maps_have_no_superpixels(content) -> None:
    (example,) = content.examples
    dense = replace(example, segments=None, weights=None, r2=None)
    page = Page(render(replace(content, examples=[dense])))
    assert "2. Map" in page.text and "Superpixels" not in page.text


def test_many_left_out_photographs_are_counted(content) -> None:
    many = pd.DataFrame({"source": [f"{n}.png" for n in range(500)], "reason": "no face"})
    page = Page(render(replace(content, left_out=many)))
    assert "500 in all." in page.text and "And 300 more" in page.text
    assert "199.png" in page.text and "200.png" not in page.text


def test_twelve_networks_stay_below_three_megabytes(content) -> None:
    rng = np.random.default_rng(1)
    # Real heatmaps are steps of superpixels: harder to compress than hills.
    steps = [
        np.round(12 * heatmap) + rng.normal(0, 0.3, heatmap.shape)
        for heatmap in content.heatmaps.values()
    ]
    cells = {
        (network, label): steps[(i + j) % len(steps)]
        for i, network in enumerate(NETWORKS)
        for j, label in enumerate(EXPRESSIONS)
    }
    examples = list(content.examples) * 6
    page = render(replace(content, networks=[*NETWORKS], heatmaps=cells, examples=examples))
    assert page.count("<img") > 72
    assert len(page.encode()) < 3_000_000


@pytest.mark.parametrize("colours", COLOURS)
def test_colours_are_a_choice(colours) -> None:
    heatmap = {("weinet", "fear"): blob(np.random.default_rng(0))}
    pages = {
        name: render(
            Content(labels=EXPRESSIONS, networks=["weinet"], heatmaps=heatmap, colours=name)
        )
        for name in (colours, "magma")
    }
    assert pages[colours] != pages["magma"]


def test_control_characters_are_spelled_out() -> None:
    assert visible("é\u200b\ud800\x00") == "é\\u200b\\ud800\\x00"

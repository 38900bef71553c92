"""A run as one page that opens from disk: `render` turns what is known into HTML, and nothing else.

The page loads nothing. Pictures are data addresses, charts inline SVG, style and script inline, and
its content security policy forbids the rest: a hostile file name can neither run nor call home.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from humanlike.canonical.geometry import HEIGHT, WIDTH
from humanlike.report import charts, sections
from humanlike.report.answers import answer, figure, p_value
from humanlike.report.content import Content


def render(content: Content) -> str:
    """The page as HTML: the same content gives the same bytes."""
    script = _source("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template("page.html")
        .render(
            content=content,
            style=Markup(_source("page.css")),
            script=Markup(script),
            policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
            f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
            answers=[(reference, answer(reference.summary)) for reference in content.references],
            agreement=sections.agreement(content),
            context={
                reference.key: sections.context(reference) for reference in content.references
            },
            scores={reference.key: sections.scores(reference) for reference in content.references},
            cells=sections.cells(content),
            outlines={
                (reference.key, label): charts.outline(mask)
                for reference in content.references
                for label, mask in reference.masks.items()
            },
            scale=sections.scale(content.colours),
            evidence=sections.evidence(content),
            steps=[sections.steps(example, content) for example in content.examples],
            attention=sections.attention(content.attention, content.labels),
            trees=sections.trees(content.similarity),
            told=sections.told(content),
            learned=sections.learned(content),
            explainer=sections.explainer(content),
            left_out=sections.left_out(content.left_out),
            legend=charts.legend,
            height=HEIGHT,
            width=WIDTH,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("humanlike.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(figure=figure, p=p_value, visible=visible)
    return environment


def _source(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def visible(text: object) -> str:
    """A name with its control and direction characters spelled out, so that it cannot pretend."""
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else character
        for character in str(text)
    )

"""The experiment's page as a set of files, for a server, for any host, or for JATOS."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import Mapping
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment
from markdown_it import MarkdownIt
from numpy.typing import NDArray

from humanlike.errors import HumanlikeError
from humanlike.people.experiment.lists import Trial
from humanlike.people.experiment.study import Study

MODES = ("server", "static", "jatos")

#: What npm brings: package -> exact version, the file that the page loads, and the SHA-256 of that
#: as `vendor_file` leaves it. Both are MIT-licensed.
PACKAGES = {
    "jspsych": (
        "8.3.0",
        "dist/index.browser.min.js",
        "89073fe5c6cdef511a9f7e1e2138e4118753f5a435d2583e39ec255926985bae",
    ),
    "@jspsych/plugin-html-button-response": (
        "2.1.0",
        "dist/index.browser.min.js",
        "fbb3fd6aef9a289ba56483a6087f740d2fe7b686acf9d3d37e8c682eeb060de0",
    ),
}

#: The scripts of the page's own, in the order in which they are loaded.
OWN = ("discs.js", "asking.js", "uncover.js", "categorise.js", "keeping.js", "study.js")

#: The texts that a researcher edits, and the table of words.
TEXTS = ("consent.md", "uncover.md", "categorise.md", "debriefing.md")
WORDS = frozenset(
    [
        "language",
        "agree",
        "decline",
        "declined",
        "start",
        "next",
        "finish",
        "question",
        "face",
        "clicks",
        "no_more_clicks",
        "right",
        "wrong",
        "practice",
        "practised",
        "begins",
        "break_title",
        "break",
        "confidence",
        "unsure",
        "sure",
        "resume",
        "go_on",
        "anew",
        "loading",
        "saving",
        "waiting",
        "stopped",
        "elsewhere",
        "bad_observer",
        "code",
        "download",
        "no_script",
        "expressions",
    ]
)


def package_json() -> str:
    """What npm is asked to install."""
    wanted = {name: version for name, (version, _, _) in PACKAGES.items()}
    return json.dumps({"private": True, "dependencies": wanted}, indent=2) + "\n"


def vendor_name(package: str) -> str:
    """The name under which the page loads a package's file."""
    return f"{package.rpartition('/')[2]}.js"


def vendor_file(package: str, content: bytes) -> bytes:
    """A package's file, checked, and without its pointer to a map on another server.

    Raises
    ------
    HumanlikeError
        The content is not that of the version that is named.
    """
    version, file, wanted = PACKAGES[package]
    content = b"\n".join(line for line in content.split(b"\n") if b"sourceMappingURL=" not in line)
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise HumanlikeError(
            f"{package} {version}: {file} has SHA-256 {found[:12]} instead of {wanted[:12]}; npm"
            " brought something else than that version"
        )
    return content


def html(markdown: str) -> str:
    """Markdown as HTML; HTML in it is shown as it is written, and pictures are left out."""
    return MarkdownIt("commonmark", {"html": False}).disable("image").render(markdown)


def check_words(words: Any, source: str) -> dict[str, Any]:
    """Check the table of words.

    Raises
    ------
    HumanlikeError
        A word is missing, unknown or no text.
    """
    if not isinstance(words, dict) or not isinstance(words.get("expressions"), dict):
        raise HumanlikeError(f"{source}: not a table of words with a section expressions")
    for key in sorted(WORDS - set(words)):
        raise HumanlikeError(f"{source}: {key}: the word is missing")
    texts = {**words, **words["expressions"]}
    for key, value in texts.items():
        if key != "expressions" and not (isinstance(value, str) and value):
            raise HumanlikeError(f"{source}: {key}: {value!r} is not a text; put it in quotes")
    return words


def digest(lists: list[list[Trial]], settings: Mapping[str, Any], images: NDArray[np.uint8]) -> str:
    """What tells one study from another: 16 digits of all that observers see and may answer."""
    found = hashlib.sha256(json.dumps([lists, settings], sort_keys=True).encode())
    found.update(np.ascontiguousarray(images).tobytes())
    return found.hexdigest()[:16]


def pages(
    study: Study,
    mode: str,
    words: Mapping[str, Any],
    texts: Mapping[str, str],
    practice: pd.DataFrame,
    break_every: int,
    pictures: Mapping[str, bytes],
    vendor: Mapping[str, bytes],
) -> dict[str, bytes]:
    """All files of the page.

    Parameters
    ----------
    study
    mode : str
        One of `MODES`.
    words, texts
        See `WORDS` and `TEXTS`.
    practice
        Stimuli for practice: columns `stimulus`, `expression` and `other`.
    break_every
        Trials between breaks, or 0.
    pictures
        Stimulus -> PNG.
    vendor
        Name -> script of others.

    Returns
    -------
    dict
        Path within the page's folder -> content.
    """
    pairs = study.lists[0][0].left != ""
    tried = [
        [row.stimulus, *_sides(row, pairs, number), row.expression]
        for number, row in enumerate(practice.itertuples())
    ]
    config = {
        "mode": mode,
        "study": study.study,
        "title": study.title,
        "task": study.task,
        "side": study.side,
        "radius": study.radius,
        "clicks": study.clicks,
        "confidence": study.confidence,
        "choices": study.choices,
        "break_every": break_every,
        "practice": tried,
        "consent": html(texts["consent.md"]),
        "instructions": html(texts[f"{study.task}.md"]),
        "debriefing": html(texts["debriefing.md"]),
        "words": words,
    }
    own = resources.files("humanlike.people.experiment").joinpath("page")
    template = Environment(autoescape=True).from_string(own.joinpath("index.html").read_text())
    scripts = [f"vendor/{name}" for name in vendor] + list(OWN)
    index = template.render(
        language=words["language"],
        title=study.title,
        noscript=words["no_script"],
        mode=mode,
        scripts=scripts,
    )
    made = {
        "index.html": f"{index}\n".encode(),
        "config.json": _json(config),
        **{name: own.joinpath(name).read_bytes() for name in (*OWN, "style.css")},
        **{f"vendor/{name}": content for name, content in vendor.items()},
        **{f"stimuli/{name}.png": content for name, content in pictures.items()},
    }
    if mode != "server":
        made["lists.json"] = _json(study.lists)
    return made


def jatos_archive(study: Study, files: Mapping[str, bytes]) -> bytes:
    """A study archive for JATOS (.jzip): the page's files and the study's properties.

    The format is that of JATOS' reference, "JATOS Study Archive (JZIP)", version 3 of the
    properties.
    """
    folder = f"humanlike_{study.study}"
    component = {
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{folder} component")),
        "title": study.title,
        "htmlFilePath": "index.html",
        "reloadable": True,
        "active": True,
        "comments": "",
        "jsonData": None,
    }
    batch = {
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{folder} batch")),
        "title": "Default",
        "active": True,
        "maxActiveMembers": None,
        "maxTotalMembers": None,
        "maxTotalWorkers": None,
        "allowedWorkerTypes": [
            "Jatos",
            "PersonalSingle",
            "PersonalMultiple",
            "GeneralSingle",
            "GeneralMultiple",
        ],
        "comments": None,
        "jsonData": None,
    }
    properties = {
        "version": "3",
        "data": {
            "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, folder)),
            "title": study.title,
            "description": "",
            "groupStudy": False,
            "linearStudy": False,
            "allowPreview": False,
            "dirName": folder,
            "comments": "",
            "jsonData": None,
            "endRedirectUrl": "",
            "studyEntryMsg": None,
            "componentList": [component],
            "batchList": [batch],
        },
    }
    members = {f"{folder}.jas": _json(properties)}
    members |= {f"{folder}/{name}": content for name, content in files.items()}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(members):
            # A date of its own would make other bytes of the same study.
            packed.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), members[name])
    return archive.getvalue()


def _sides(row: Any, pairs: bool, number: int) -> tuple[str, str]:
    if not pairs:
        return "", ""
    return (row.other, row.expression) if number % 2 else (row.expression, row.other)


def _json(values: Any) -> bytes:
    return (json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n").encode()

"""The experiment in a real browser, taken by simulated observers with mouse, finger and keyboard.

Skipped where Chromium is not installed (`apt-get install chromium`).
"""

import functools
import json
import os
import shutil
import signal
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from experiments import SIDE, Inside

from humanlike import studies
from humanlike.commands.experiment import import_answers, read_study
from humanlike.people import trials as tables
from humanlike.people.discs import covered, shown
from humanlike.people.experiment.store import records
from humanlike.people.observers import Observer, places, textbook_attention, uncover

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
OPTIONS = {"executable_path": CHROMIUM, "args": ["--no-sandbox"]}


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    with playwright.sync_playwright() as started:
        yield started.chromium


@pytest.fixture(scope="module")
def browser(chromium) -> Iterator:
    browser = chromium.launch(**OPTIONS)
    yield browser
    browser.close()


class Visit:
    """Somebody at the page: what they see, and what the page asked of others and complained of."""

    def __init__(self, context, address: str, touch: bool = False) -> None:
        self.context, self.address, self.touch = context, address, touch
        self.said: list[str] = []
        self.asked: set[str] = set()
        self.page = context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.add(request.url))
        self.page.set_default_timeout(20_000)
        self.page.goto(address)

    def press(self, label: str) -> None:
        self.page.get_by_role("button", name=label, exact=True).click()

    def start(self) -> None:
        """From consent to the first trial that counts."""
        self.press("I agree and take part")
        self.press("Start")
        for _ in range(2):
            self.page.locator(".answers button").first.click()
            self.press("Continue")
        self.press("Start")
        self.trial()

    def trial(self) -> int:
        """Wait for the next trial, past a break, and give its number."""
        self.page.locator(".answers button, .jspsych-btn-group-flex button").first.wait_for()
        if self.page.get_by_text("Time for a break").count():
            self.press("Continue")
            self.page.locator(".answers button").first.wait_for()
        return int(self.page.locator("#progress").inner_text().split(" / ")[0])

    def ready(self) -> None:
        """Wait until keys answer."""
        playwright.expect(self.page.locator(".answers button").first).to_be_enabled()

    def click(self, x: float, y: float) -> None:
        """Click or tap at a place of the stimulus."""
        box = self.page.locator(".face canvas").bounding_box()
        at = (
            box["x"] + (x + 0.5) / SIDE * box["width"],
            box["y"] + (y + 0.5) / SIDE * box["height"],
        )
        (self.page.touchscreen.tap if self.touch else self.page.mouse.click)(*at)

    def answer(self, expression: str) -> None:
        self.page.locator(f".answers button[data-value='{expression}']").click()

    def done(self) -> str:
        """Wait for the debriefing, and give the code for withdrawal."""
        return self.page.locator(".code").inner_text()

    def clean(self) -> None:
        """Nothing was complained of, and nothing asked of anybody else."""
        own = self.address.partition("?")[0].removesuffix("index.html")
        assert self.said == []
        assert [url for url in self.asked if not url.startswith((own, "data:", "blob:"))] == []


@pytest.fixture
def sized(browser) -> Iterator:
    """Opens windows of a size."""
    opened = []

    def open_(size: str):
        width, height = SIZES[size]
        touch = size == "phone"
        opened.append(
            browser.new_context(
                viewport={"width": width, "height": height}, has_touch=touch, is_mobile=touch
            )
        )
        return opened[-1]

    yield open_
    for context in opened:
        context.close()


@pytest.fixture
def visit(sized, inside: Inside):
    """Opens the experiment of the server in this process."""

    def open_(size: str = "desktop", address: str = "") -> Visit:
        return Visit(sized(size), f"{inside.address}/{address}", size == "phone")

    return open_


def answer_all(visit: Visit, trials: int = 8) -> None:
    """Take what is left with one click each, always the left answer."""
    for _ in range(trials):
        visit.trial()
        visit.click(10, 12)
        visit.page.locator(".answers button").first.click()


@pytest.fixture(scope="module")
def long(build) -> Path:
    return build(trials=20, observers=2)


@pytest.mark.parametrize("size", SIZES)
def test_a_simulated_observer_from_consent_to_debriefing(
    size, sized, long, project, tmp_path
) -> None:
    stimuli, images, landmarks = studies.read_stimuli(project / "stimuli")
    stimuli = stimuli.assign(row=range(len(stimuli))).set_index("stimulus")
    maps = {name: textbook_attention(name) for name in ("anger", "disgust", "fear", "surprise")}
    observer = Observer(attention=maps, most_clicks=6)
    random = np.random.default_rng(0)
    running = Inside(long, tmp_path / "answers.sqlite")
    study = read_study(long)
    width = SIZES[size][0]
    try:
        address = f"{running.address}/?observer=simulated-{size}"
        at = Visit(sized(size), address, size == "phone")
        check_access(at, width)
        at.press("I agree and take part")
        at.page.get_by_text("What you do").wait_for()
        check_access(at, width)
        at.press("Start")
        at.page.locator(".answers button").first.wait_for()
        check_access(at, width)
        for _ in range(2):
            at.page.locator(".answers button").first.click()
            at.page.locator("img.whole").wait_for()
            at.press("Continue")
        at.press("Start")

        sent = []
        for number, trial in enumerate(study.lists[0], start=1):
            assert at.trial() == number
            row = stimuli.loc[trial.stimulus]
            where = places(landmarks[row["row"]], SIDE)
            meant = uncover(observer, row["expression"], trial[1:], where, study.radius, random)
            for x, y in meant.clicks[:, :2]:
                at.click(x, y)
            seen = at.page.locator(".face canvas").evaluate(
                "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
            )
            box = at.page.locator(".face canvas").bounding_box()
            if number == 7:
                check_access(at, width)
            at.answer(meant.response)
            sent.append((trial, meant, np.reshape(seen, (SIDE, SIDE, 4)), SIDE / box["width"]))
        withdrawal = at.done()
        check_access(at, width)
        at.clean()
    finally:
        running.close()

    kept = list(records(running.database))
    assert [record["trial"] for record in kept] == list(range(1, 21))
    assert {record["withdrawal"] for record in kept} == {withdrawal}
    assert {record["observer"] for record in kept} == {f"simulated-{size}"}
    for record, (trial, meant, seen, pixel) in zip(kept, sent, strict=True):
        assert (record["stimulus"], record["response"]) == (trial.stimulus, meant.response)
        clicks = np.array(record["clicks"])
        # As near as the screen's pixels are, and at growing times before the answer.
        assert np.abs(clicks[:, :2] - meant.clicks[:, :2]).max() < 0.51 * pixel + 0.02
        assert (np.diff(clicks[:, 2]) >= 0).all() and 0 <= clicks[0, 2] <= record["rt"] < 60
        # What the observer saw is what the clicks that were stored show, pixel by pixel.
        discs = np.column_stack([clicks[:, :2], np.full(len(clicks), study.radius)])
        face = images[stimuli.loc[trial.stimulus, "row"]]
        assert (seen[..., 0] == covered(face, shown(discs, SIDE))).all()
        assert (seen[..., 3] == 255).all()

    import_answers(running.database, long, tmp_path / "data")
    (path,) = (tmp_path / "data" / "data").glob("*_task-uncover_data.csv")
    table = tables.read(path, tables.TRIALS)
    expected = [int(m.response == study.expressions[t.stimulus]) for t, m, *_ in sent]
    assert table["correct"].tolist() == expected


def check_access(visit: Visit, width: int) -> None:
    """No serious violation by axe, and nothing to scroll to sideways."""
    found = axe.Axe().run(visit.page).response
    serious = [
        (v["id"], [node["html"] for node in v["nodes"]])
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]
    assert serious == [] and len(found["passes"]) > 8
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_trial_fits_the_screen(visit) -> None:
    for size, (_, height) in SIZES.items():
        at = visit(size)
        at.start()
        box = at.page.locator(".answers").bounding_box()
        assert box["y"] + box["height"] <= height
        assert at.page.locator(".face").bounding_box()["width"] >= 300


def test_all_by_keyboard(visit, inside) -> None:
    at = visit()
    at.page.get_by_role("button", name="I agree and take part").wait_for()
    while at.page.evaluate("document.activeElement.textContent") != "I agree and take part":
        at.page.keyboard.press("Tab")
    at.page.keyboard.press("Enter")
    at.page.get_by_text("What you do").wait_for()
    at.page.keyboard.press("Enter")
    for _ in range(2):
        at.ready()
        at.page.keyboard.press("f")
        at.page.locator("img.whole").wait_for()
        at.page.keyboard.press("Enter")
    at.page.get_by_text("Practice is over").wait_for()
    at.page.keyboard.press("Enter")
    assert at.trial() == 1
    at.ready()
    for key in ("ArrowRight", "ArrowDown", "Space", "Shift+ArrowLeft", "Space", "j"):
        at.page.keyboard.press(key)
    assert at.trial() == 2
    at.page.wait_for_timeout(200)
    (record,) = records(inside.database)
    assert [click[:2] for click in record["clicks"]] == [[21.5, 21.5], [20.5, 21.5]]
    at.clean()


def test_who_does_not_agree_leaves_nothing(visit, inside) -> None:
    at = visit()
    at.press("I do not take part")
    at.page.get_by_text("Nothing was kept").wait_for()
    assert not any("api" in url for url in at.asked)
    assert list(records(inside.database)) == []


def test_a_broken_observer_code_is_told(visit) -> None:
    at = visit(address="?observer=<script>alert(1)</script>")
    at.page.get_by_text("open the link that you were given").wait_for()
    at.clean()


def test_reload_goes_on_at_the_next_trial(visit, inside) -> None:
    at = visit()
    at.start()
    answer_all(at, 3)
    assert at.trial() == 4
    at.click(5, 5)
    at.page.reload()
    at.page.get_by_text("You have answered 3 of 8 faces").wait_for()
    at.press("Go on")
    assert at.trial() == 4
    answer_all(at, 5)
    at.done()
    kept = list(records(inside.database))
    assert [record["trial"] for record in kept] == list(range(1, 9))
    assert len({record["session"] for record in kept}) == 1
    at.clean()
    # The next person at this device starts anew.
    at.page.reload()
    at.page.get_by_role("button", name="I agree and take part").wait_for()


def test_somebody_else_starts_anew(visit, inside) -> None:
    at = visit()
    at.start()
    answer_all(at, 2)
    assert at.trial() == 3
    at.page.reload()
    at.press("I am someone else, start anew")
    at.start()
    answer_all(at, 1)
    assert at.trial() == 2
    at.page.wait_for_timeout(200)
    kept = list(records(inside.database))
    assert len({record["session"] for record in kept}) == 2 and len(kept) == 3


@pytest.mark.slow
def test_a_killed_browser_goes_on_at_the_next_trial(chromium, server, tmp_path) -> None:
    def open_() -> Visit:
        context = chromium.launch_persistent_context(tmp_path / "profile", **OPTIONS)
        return Visit(context, f"{server.address}/")

    at = open_()
    at.start()
    answer_all(at, 3)
    # Chromium writes what pages store to disk within some seconds.
    at.page.wait_for_timeout(8000)
    killed = [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and runs_in(process, tmp_path / "profile")
    ]
    assert killed
    for process in killed:
        os.kill(process, signal.SIGKILL)
    # The killed browser's lock names a process that is gone.
    for lock in (tmp_path / "profile").glob("Singleton*"):
        lock.unlink()
    at = open_()
    at.press("Go on")
    assert at.trial() == 4
    answer_all(at, 5)
    at.done()
    at.context.close()
    kept = list(records(server.database))
    assert [record["trial"] for record in kept] == list(range(1, 9))


def runs_in(process: Path, profile: Path) -> bool:
    try:
        arguments = (process / "cmdline").read_bytes()
    except OSError:
        return False
    return f"--user-data-dir={profile}".encode() in arguments and b"--type=" not in arguments


def test_a_lost_connection_and_a_killed_server(sized, server) -> None:
    at = Visit(sized("desktop"), f"{server.address}/")
    at.start()
    answer_all(at, 2)
    assert at.trial() == 3
    at.context.set_offline(True)
    answer_all(at, 2)
    assert at.trial() == 5
    at.page.get_by_text("Answers waiting on this device: 2").wait_for()
    assert [record["trial"] for record in records(server.database)] == [1, 2]
    at.context.set_offline(False)
    playwright.expect(at.page.locator("#saving")).to_have_text("")
    assert [record["trial"] for record in records(server.database)] == [1, 2, 3, 4]
    server.kill()
    answer_all(at, 4)
    at.page.get_by_text("Answers waiting on this device: 4").wait_for()
    server.start()
    at.done()
    kept = list(records(server.database))
    assert [record["trial"] for record in kept] == list(range(1, 9))
    # Nothing but the lost connection was complained of.
    assert all("Failed to load resource: net::" in line for line in at.said)


def test_what_waits_is_sent_after_a_reload(visit, inside) -> None:
    at = visit()
    at.start()
    answer_all(at, 1)
    assert at.trial() == 2
    # Nothing but answers is held up.
    at.page.route("**/trials/*", lambda route: route.abort())
    answer_all(at, 3)
    assert at.trial() == 5
    at.page.unroute("**/trials/*")
    at.page.reload()
    at.page.get_by_text("You have answered 4 of 8 faces").wait_for()
    at.press("Go on")
    assert at.trial() == 5
    answer_all(at, 4)
    at.done()
    assert [record["trial"] for record in records(inside.database)] == list(range(1, 9))


def test_one_window_at_a_time(visit) -> None:
    at = visit()
    at.start()
    second = Visit(at.context, at.address)
    second.page.get_by_text("It is open in another window").wait_for()
    second.page.close()
    answer_all(at, 8)
    at.done()


class Host:
    """Files on any host."""

    def __init__(self, folder: Path) -> None:
        class Quiet(SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

        handler = functools.partial(Quiet, directory=str(folder))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_files_on_any_host_end_in_a_download(browser, build, built, tmp_path) -> None:
    folder = build("static")
    host = Host(folder / "page")
    context = browser.new_context(viewport={"width": 390, "height": 844}, accept_downloads=True)
    try:
        at = Visit(context, f"{host.address}?list=2")
        at.start()
        answer_all(at, 3)
        assert at.trial() == 4
        at.page.reload()
        at.press("Go on")
        answer_all(at, 5)
        code = at.done()
        check_access(at, 390)
        # Whoever closes the page before the download finds it again.
        at.page.reload()
        assert at.done() == code
        assert not at.page.get_by_role("button", name="start anew").is_visible()
        with at.page.expect_download() as download:
            at.page.get_by_role("link", name="Download my answers").click()
        download.value.save_as(tmp_path / "answers.jsonl")
        at.page.get_by_role("button", name="start anew").click()
        at.page.get_by_role("button", name="I agree and take part").wait_for()
        at.clean()
    finally:
        context.close()
        host.close()
    lines = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert [line["trial"] for line in lines] == list(range(1, 9))
    assert {line["list"] for line in lines} == {2} and {line["withdrawal"] for line in lines} == {
        code
    }
    import_answers(tmp_path / "answers.jsonl", folder, tmp_path / "data")
    assert len(list((tmp_path / "data" / "data").glob("*_data.csv"))) == 2


JATOS = """
/* Stands in for JATOS: keeps results in the page, and refuses the first call of each kind. */
window.results = "";
window.jatos = {
  batchSession: {
    lists: 5, calls: 0,
    get(name) { return this[name]; },
    set(name, value) {
      if (this.calls++ === 0) return Promise.reject(new Error("conflict"));
      this[name] = value;
      return Promise.resolve();
    },
  },
  calls: 0,
  onLoad(callback) { setTimeout(callback, 10); },
  appendResultData(text) {
    if (this.calls++ === 0) return Promise.reject(new Error("no connection"));
    window.results += text;
    return Promise.resolve();
  },
  endStudy() { document.title = "ended"; },
};
"""


def test_jatos_gets_each_answer_as_a_line(browser, build, tmp_path) -> None:
    folder = build("jatos")
    with zipfile.ZipFile(folder / "jatos.jzip") as archive:
        archive.extractall(tmp_path / "study")
    (properties,) = (tmp_path / "study").glob("*.jas")
    described = json.loads(properties.read_text())
    assert described["version"] == "3" and len(described["data"]["componentList"]) == 1
    assets = tmp_path / "study" / described["data"]["dirName"]
    page = described["data"]["componentList"][0]["htmlFilePath"]
    (assets / "jatos.js").write_text(JATOS)
    host = Host(assets)
    context = browser.new_context()
    try:
        at = Visit(context, f"{host.address}{page}")
        at.start()
        answer_all(at, 8)
        at.done()
        results = at.page.evaluate("window.results")
        at.press("Finish")
        assert at.page.title() == "ended"
        at.clean()
    finally:
        context.close()
        host.close()
    # The sixth run of four lists has the second; the first conflict was tried again.
    assert {json.loads(line)["list"] for line in results.splitlines()} == {1}
    with zipfile.ZipFile(tmp_path / "results.jrzip", "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("study_result_3/comp-result_5/data.txt", results)
    import_answers(tmp_path / "results.jrzip", folder, tmp_path / "data")
    (path,) = (tmp_path / "data" / "data").glob("*_task-uncover_data.csv")
    assert tables.read(path, tables.TRIALS)["trial"].tolist() == list(range(1, 9))


@pytest.mark.parametrize("size", SIZES)
def test_categorise_offers_all_and_asks_how_sure(size, sized, build, tmp_path) -> None:
    labels = ["anger", "disgust", "fear", "surprise"]
    folder = build(task="categorise", pairs=[], choices=labels, confidence=5)
    running = Inside(folder, tmp_path / "answers.sqlite")
    width = SIZES[size][0]
    try:
        at = Visit(sized(size), f"{running.address}/", size == "phone")
        at.press("I agree and take part")
        at.press("Start")
        for _ in range(2):
            at.page.locator(".answers button").first.click()
            at.page.get_by_text("How sure are you?").wait_for()
            at.page.locator(".answers button").last.click()
            at.press("Continue")
        at.press("Start")
        for number in range(1, 9):
            assert at.trial() == number
            check_access(at, width) if number == 1 else None
            assert at.page.locator(".answers button").count() == 4
            at.ready()
            at.page.keyboard.press(str(1 + number % 4))
            at.page.get_by_text("How sure are you?").wait_for()
            check_access(at, width) if number == 1 else None
            at.ready()
            at.page.keyboard.press(str(1 + number % 5))
        at.done()
        at.clean()
    finally:
        running.close()
    kept = list(records(running.database))
    assert [record["response"] for record in kept] == [labels[n % 4] for n in range(1, 9)]
    assert [record["confidence"] for record in kept] == [n % 5 / 4 for n in range(1, 9)]
    assert all(record["clicks"] == [] for record in kept)
    import_answers(running.database, folder, tmp_path / "data")
    (path,) = (tmp_path / "data" / "data").glob("*_data.csv")
    assert (tables.read(path, tables.TRIALS)["left"] == "").all()

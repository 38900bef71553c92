"""The page in a real browser: seen, tapped, typed at, printed, and looked over by axe.

Skipped where Chromium is not installed (`apt-get install chromium`).
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from humanlike.report.content import Content
from humanlike.report.page import render

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")

SIZES = {"desktop": (1440, 900), "tablet": (768, 1024), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(content: Content, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(content), encoding="utf-8")
    return path.as_uri()


class Seen:
    """An open page, what it wrote to the console and what it asked of others."""

    def __init__(self, browser, address: str, size: str = "desktop", **options: object) -> None:
        width, height = SIZES[size]
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)


@pytest.fixture
def see(browser, address) -> Iterator:
    opened: list[Seen] = []

    def open_(*arguments: object, **options: object) -> Seen:
        opened.append(Seen(browser, address, *arguments, **options))
        return opened[-1]

    yield open_
    for seen in opened:
        seen.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_no_serious_violation_no_error_no_request(see, size, scheme, address) -> None:
    seen = see(size, color_scheme=scheme)
    found = axe.Axe().run(seen.page).response
    serious = [
        (v["id"], [node["html"] for node in v["nodes"]])
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]
    assert serious == [] and len(found["passes"]) > 15
    assert seen.said == []
    assert {url for url in seen.asked if not url.startswith("data:")} == {address}
    width = seen.page.evaluate("document.documentElement.scrollWidth")
    assert width <= SIZES[size][0], "the page itself scrolls sideways"


def test_captions_are_read_whole_while_their_tables_are_scrolled(see) -> None:
    seen = see("phone")
    boxes = seen.page.locator("caption:visible").evaluate_all(
        "all => all.map(e => { e.closest('.scroll').scrollLeft = 60;"
        " const box = e.getBoundingClientRect(); return [box.left, box.right]; })"
    )
    assert len(boxes) > 5
    assert all(left >= 0 and right <= 390 for left, right in boxes)


def test_hostile_names_do_not_run(see) -> None:
    seen = see()
    assert seen.said == []
    assert seen.page.locator("script").count() == 1
    assert seen.page.locator("text=alert(").count() >= 3


def test_figures_come_with_the_pointer_the_keyboard_and_a_tap(see) -> None:
    seen = see()
    cell = seen.page.locator(".cell").first
    tip, button = cell.locator(".tip"), cell.locator("button")
    assert not tip.is_visible()
    cell.hover()
    assert tip.is_visible() and "moved anywhere else" in tip.inner_text()
    seen.page.mouse.move(0, 0)
    assert not tip.is_visible()
    seen.page.locator("#outline").focus()
    seen.page.keyboard.press("Tab")
    assert button.evaluate("e => e === document.activeElement") and tip.is_visible()
    seen.page.keyboard.press("Escape")
    assert not tip.is_visible()

    phone = see("phone", has_touch=True, is_mobile=True)
    cell = phone.page.locator(".cell").nth(2)
    cell.locator("button").tap()
    assert cell.locator(".tip").is_visible()
    box = cell.locator(".tip").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_tips_stay_inside_the_window(see) -> None:
    seen = see()
    for number in range(6):
        cell = seen.page.locator(".cell").nth(number)
        cell.hover()
        box = cell.locator(".tip").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 1440


def test_networks_are_sorted(see, content) -> None:
    seen = see()
    networks = seen.page.locator(".network")

    def order() -> list[str]:
        return networks.evaluate_all("all => all.map(e => e.dataset.network)")

    iou = content.references[0].scores
    iou = iou[iou["expression"] == "fear"].set_index("network")["iou"]
    assert order() == content.networks
    seen.page.select_option("#sort", "fear")
    assert order() == sorted(content.networks, key=lambda name: -iou[name])
    seen.page.select_option("#sort", "name")
    assert order() == sorted(content.networks)
    seen.page.select_option("#sort", "run")
    assert order() == content.networks


def test_outlines_can_be_taken_away(see) -> None:
    seen = see()
    shapes = seen.page.locator("#grid .over use:not([hidden])")
    assert shapes.count() > 0
    seen.page.select_option("#outline", "none")
    assert shapes.count() == 0


def test_light_and_dark_can_be_chosen(see) -> None:
    seen = see(color_scheme="light")

    def background() -> str:
        return seen.page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = background()
    toggle = seen.page.locator("#theme")
    toggle.click()
    assert background() == light and "light" in toggle.inner_text()
    toggle.click()
    assert background() != light and "dark" in toggle.inner_text()
    # What was chosen reaches the browser's storage when it finds the time for it.
    for _ in range(20):
        seen.page.reload()
        if background() != light:
            break
        seen.page.wait_for_timeout(100)
    assert background() != light


def test_on_paper_everything_is_there_on_white(see, tmp_path: Path) -> None:
    seen = see(color_scheme="dark")
    seen.page.emulate_media(media="print")
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    assert not seen.page.locator("nav").is_visible()
    printed = seen.page.pdf(path=tmp_path / "page.pdf", format="A4", print_background=True)
    assert printed.startswith(b"%PDF") and len(printed) > 50_000


def test_without_script_all_figures_are_there(see) -> None:
    seen = see(java_script_enabled=False)
    assert not seen.page.locator("#tools").is_visible()
    assert seen.page.locator(".cell img").first.is_visible()
    seen.page.locator(".cell").first.hover()
    assert seen.page.locator(".cell .tip").first.is_visible()

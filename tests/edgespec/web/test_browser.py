"""What a person does with the page, in Chromium."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.made.browser import Browser
from tests.made.shown_band import ShownBand

#: Any picture will do.
PICTURE = Path(__file__).resolve().parents[3] / "docs" / "alarm.png"
ENTER, TAB, ESCAPE = "\ue007", "\ue004", "\ue00c"


@pytest.fixture(scope="module")
def shown(window: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShownBand]:
    shown = ShownBand(tmp_path_factory.mktemp("observer"), PICTURE.read_bytes())
    yield shown
    shown.stop()


@pytest.fixture
def page(window: Browser, shown: ShownBand) -> Iterator[Browser]:
    """The page, freshly opened; nothing in it breaks, and no rule of security is broken."""
    window.size(1200)
    window.get(shown.url)
    window.until(lambda: window.text("#link") == "Live." or window.is_seen("#login"), "the page")
    if window.is_seen("#login"):
        window.one("#token").send_keys("a wrong one", ENTER)
        window.says("#login-said", "this is not the token")
        window.one("#token").send_keys(shown.token, ENTER)
    window.says("#link", "Live.")
    yield window
    assert [error for error in window.told() if not is_expected(error)] == []


def is_expected(error: str) -> bool:
    """Return whether a browser says this of a refused token, or of a server that was killed."""
    return any(word in error for word in (" 401 ", "/api/live", "ERR_CONN"))


def loudness(page: Browser, plane: str) -> np.ndarray:
    """Return how bright each pixel of a waterfall is, without boxes and axes."""
    page.run("document.querySelector(`${arguments[0]} .over`).style.visibility = 'hidden'", plane)
    return page.pixels(f"{plane} .pixels")[..., :3].mean(axis=2)


def test_the_waterfall_moves_and_shows_a_tone_at_its_frequency(
    page: Browser, shown: ShownBand
) -> None:
    page.until(lambda: page.count(".plane") == 2, "power, and what is left of the cell")
    before = loudness(page, "[data-plane=power]")

    def tone(plane: str) -> slice:
        newest = loudness(page, plane)[:20].mean(axis=0)
        loud = np.flatnonzero(newest > newest.max() - 0.05)
        return slice(loud[0] / len(newest), (loud[-1] + 1) / len(newest))

    for plane in ("[data-plane=power]", "[data-plane=residual]"):
        page.until(
            lambda plane=plane: (
                (found := tone(plane)).start < shown.tone_share < found.stop < found.start + 0.05
            ),
            f"a tone in {plane}",
        )
    assert not np.array_equal(loudness(page, "[data-plane=power]"), before)


def test_an_event_is_seen_with_its_picture_and_acknowledged(
    page: Browser, shown: ShownBand
) -> None:
    page.until(lambda: page.count(".event img"), "an event")
    assert "tone" in page.text(".event h3")
    shape = "const img = document.querySelector('.event img'); return img.naturalWidth"
    page.run("document.querySelector('.event img').scrollIntoView()")
    page.until(lambda: page.run(shape), "the picture")
    page.one("[data-act=acknowledge]").click()
    page.says("#done", "acknowledged")
    page.says(".event .tag", "acknowledged")
    (told,) = shown.ask("/api/events?band=downlink")
    assert (told["id"], told["acknowledged"]) == (shown.event_id, True)


def test_an_event_is_muted_by_keys_alone(page: Browser, shown: ShownBand) -> None:
    page.until(lambda: page.count("[data-act=mute]"), "an event")
    for _ in range(60):
        page.press(TAB)
        if page.run("return document.activeElement.dataset.act") == "mute":
            break
    else:
        pytest.fail("no key leads to the button")
    assert page.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    asked = "return document.getElementById('ask').open"
    page.press(ENTER)
    page.until(lambda: page.run(asked), "a question")
    page.press(ESCAPE)
    page.until(lambda: not page.run(asked), "no question")
    assert shown.ask("/api/silenced")["data"]["mutes"] == []
    page.press(ENTER)
    page.until(lambda: page.run(asked), "a question")
    page.press(TAB, ENTER)
    page.says("#done", "muted until")
    (mute,) = shown.ask("/api/silenced")["data"]["mutes"]
    assert mute["band"] == "downlink"


def test_what_is_muted_is_listed_and_taken_back(page: Browser, shown: ShownBand) -> None:
    if not shown.ask("/api/silenced")["data"]["mutes"]:
        page.until(lambda: page.count("[data-act=mute]"), "an event")
        page.one("[data-act=mute]").click()
        page.one("#ask-yes").click()
    page.says("#silenced-title", "Muted or normal here: 1")
    page.one("#silenced-title").click()
    page.says(".silenced", "Muted any kind")
    page.one("[data-act=undo]").click()
    page.says("#done", "taken back: mute-")
    page.until(lambda: not page.is_seen("#silenced"), "no list")
    assert shown.ask("/api/silenced")["data"]["mutes"] == []


def test_another_band_is_chosen(page: Browser) -> None:
    page.until(lambda: page.count(".plane") == 2, "both planes")
    page.one("[data-band=uplink]").click()
    page.until(lambda: page.count(".plane") == 1, "one plane")
    page.says("#says", "Warm-up: the observer learns what is normal here, 2.5 s of signal are left")
    page.says("#says", "No cell is found")
    assert page.one("[data-band=uplink]").get_attribute("aria-pressed") == "true"
    page.one("[data-band=downlink]").click()
    page.until(lambda: page.count(".plane") == 2, "both planes")
    page.says("#figures", "LTE 17, tracking")


def test_a_phone_shows_everything_without_scrolling_sideways(page: Browser) -> None:
    page.size(360, 740)
    page.until(lambda: page.count(".event") and page.count(".plane") == 2, "what there is")
    wide = page.run(
        "return [...document.querySelectorAll('body *')].filter(one =>"
        " one.getBoundingClientRect().right > 361 && !one.closest('.unseen'))"
        ".map(one => one.outerHTML.slice(0, 80))"
    )
    assert wide == []
    assert page.run("return document.documentElement.scrollWidth") == 360


def test_nobody_is_listened_to_while_the_tab_is_hidden(page: Browser) -> None:
    page.run(
        "const known = WebSocket; window.sockets = []; window.seen = [];"
        "window.WebSocket = class extends known {"
        " constructor(where) { super(where); window.sockets.push(this); } };"
        "document.addEventListener('visibilitychange', () => window.seen.push("
        " [document.visibilityState, window.sockets.at(-1).readyState]));"
    )
    page.one("[data-band=uplink]").click()
    page.until(lambda: page.run("return sockets.length == 1 && sockets[0].readyState == 1"), "open")
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    page.driver.close()
    page.driver.switch_to.window(first)
    page.until(lambda: page.run("return sockets.length == 2 && sockets[1].readyState == 1"), "back")
    (hidden, state), *_ = page.run("return seen")
    # 2 is closing, 3 is closed.
    assert (hidden, state in (2, 3)) == ("hidden", True)
    page.says("#link", "Live.")


def test_no_frame_is_asked_for_while_nothing_is_new(page: Browser) -> None:
    page.one("[data-band=downlink]").click()
    page.until(lambda: page.count(".plane") == 2, "both planes")
    page.run(
        "const known = requestAnimationFrame; window.frames_asked = 0;"
        "window.requestAnimationFrame = (step) => { window.frames_asked += 1; return known(step); }"
    )
    page.until(lambda: page.run("return frames_asked") > 10, "frames while rows come")
    page.one("#pause").click()
    asked = [page.run("return frames_asked")]

    def is_still() -> bool:
        time.sleep(0.5)
        asked.append(page.run("return frames_asked"))
        return asked[-1] == asked[-2]

    page.until(is_still, "no frame")
    chart = "[data-plane=power] .chart"
    before = page.pixels(chart)
    page.one("#theme").click()
    page.until(lambda: not np.array_equal(page.pixels(chart), before), "a chart in other colours")
    page.until(is_still, "no frame")
    page.one("#theme").click()
    page.one("#pause").click()
    page.until(lambda: page.run("return frames_asked") > asked[-1] + 10, "frames again")


def test_a_lost_server_is_said_and_comes_back(page: Browser, shown: ShownBand) -> None:
    shown.stop()
    page.says("#link", "The connection to the server is lost")
    shown.begin_anew()
    page.says("#link", "Live.")


def test_a_server_that_has_another_token_asks_for_it(page: Browser, shown: ShownBand) -> None:
    shown.stop()
    shown.begin_anew("another token of the tests")
    page.until(lambda: page.is_seen("#login"), "the form")
    page.one("#token").send_keys(shown.token, ENTER)
    page.says("#link", "Live.")


def test_both_painters_paint_the_same(page: Browser) -> None:
    differing = page.driver.execute_async_script("""
        const done = arguments[0];
        const files = ["ring", "lines", "painter_gl", "painter_2d"];
        Promise.all(files.map(name => import(`/static/${name}.js`)))
        .then(([{ Ring }, { Lines }, { PainterGl }, { Painter2d }]) => {
            const ring = new Ring({ n_bins: 32, row_s: 1 });
            const canvases = [0, 1].map(() => document.createElement("canvas"));
            const lines = [0, 1].map(() => new Lines(ring, 60, 20));
            const [card, plain] = canvases;
            const painters = [new PainterGl(card, lines[0], true), new Painter2d(plain, lines[1])];
            for (let turn = 0; turn < 9; turn += 1) {
                const value = (_, at) => (at * 37 + 101 * turn) % 251;
                const rows = Uint8Array.from({ length: 32 * 17 }, value);
                ring.push(rows, 17, turn * 17);
                painters.forEach((painter, at) => painter.paint(lines[at].update(), 20, 200));
            }
            const seen = canvases.map(canvas => {
                const plain = document.createElement("canvas");
                Object.assign(plain, { width: 32, height: 20 });
                const context = plain.getContext("2d");
                context.drawImage(canvas, 0, 0);
                return context.getImageData(0, 0, 32, 20).data;
            });
            done(seen[0].filter((value, at) => Math.abs(value - seen[1][at]) > 1).length);
        }).catch(error => done(String(error)));
    """)
    assert differing == 0

"""Chromium without a screen, as a person sits before it."""

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import matplotlib.image
import numpy as np
import pytest

from benchmarks.chromium import open_chromium, set_screen

__all__ = ["Browser"]

#: Nothing here waits for so long on any machine, but a hang ends.
_PATIENCE_S = 100.0


class Browser:
    """One window; a test that needs it is skipped where no Chromium is.

    Args:
        folder: empty, for what the browser keeps.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.driver = open_chromium(folder)
        except click.ClickException as error:
            pytest.skip(error.message)

    def close(self) -> None:
        self.driver.quit()

    def get(self, url: str) -> None:
        """Open a page; what was told of the one before does not count."""
        self.driver.get("about:blank")
        self.told()
        self.driver.get(url)

    def forget(self) -> None:
        """Forget who was let in: cookies are of a host, whatever the port."""
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})

    def size(self, width: int, height: int = 900) -> None:
        """Make the screen so large, in CSS pixels."""
        set_screen(self.driver, width, height)

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what a script returns."""
        return self.driver.execute_script(script, *arguments)

    def one(self, selector: str) -> Any:
        """Return the element that a selector names."""
        return self.driver.find_element("css selector", selector)

    def count(self, selector: str) -> int:
        """Return how many elements a selector names."""
        return len(self.driver.find_elements("css selector", selector))

    def is_seen(self, selector: str) -> bool:
        """Return whether an element is there to see."""
        return self.count(selector) > 0 and self.one(selector).is_displayed()

    def text(self, selector: str) -> str:
        """Return what stands in an element, seen or not."""
        return str(self.run("return document.querySelector(arguments[0])?.textContent", selector))

    def until(self, is_so: Callable[[], Any], what: str) -> Any:
        """Wait until something is so and return it."""
        end = time.monotonic() + _PATIENCE_S
        while not (found := is_so()):
            assert time.monotonic() < end, f"not within {_PATIENCE_S} s: {what}; {self.told()}"
            time.sleep(0.1)
        return found

    def says(self, selector: str, words: str) -> None:
        """Wait until words stand in an element."""
        self.until(lambda: words in self.text(selector), f"{words!r} in {selector}")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, whatever has the focus."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def pixels(self, selector: str) -> np.ndarray:
        """Return what is seen of an element: rows, columns and colours, 0 to 1."""
        return np.asarray(matplotlib.image.imread(io.BytesIO(self.one(selector).screenshot_as_png)))

    def told(self) -> list[str]:
        """Return the errors that the browser has told since it was last asked."""
        log = self.driver.get_log("browser")
        return [entry["message"] for entry in log if entry["level"] == "SEVERE"]

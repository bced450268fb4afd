"""Chromium without a screen, driven by selenium: for pictures of pages, and what they cost."""

import shutil
from pathlib import Path
from typing import Any

import click

__all__ = ["open_chromium", "set_screen"]

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1200,900",
)  # fmt: skip


def open_chromium(folder: Path) -> Any:
    """Return a driver of a browser that keeps what it keeps in an empty folder.

    Raises:
        click.ClickException: Chromium, its driver or selenium is not installed.
    """
    chromium, driver = (shutil.which(name) for name in ("chromium", "chromedriver"))
    if chromium is None or driver is None:
        raise click.ClickException("no Chromium is here: apt install chromium chromium-driver")
    try:
        from selenium import webdriver
    except ImportError as error:
        raise click.ClickException("no selenium is here: pip install selenium") from error
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*_FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(driver))


def set_screen(driver: Any, width: int, height: int, *, scale: float = 1.0) -> None:
    """Make the screen so large, in CSS pixels of ``scale`` pixels; a narrow one is a phone's."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600},
    )

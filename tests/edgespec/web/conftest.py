"""One browser for all tests of pages."""

from collections.abc import Iterator

import pytest

from tests.made.browser import Browser


@pytest.fixture(scope="session")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()

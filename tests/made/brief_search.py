"""Searches that are soon over where there is no cell: noise of seconds takes as long to search."""

import pytest

__all__ = ["search_briefly"]


def search_briefly(monkeypatch: pytest.MonkeyPatch, *lengths_s: float) -> None:
    """Let observers that are made from now on search for a cell in so many seconds of signal.

    How long the product's searches are is stated in the tests of
    :mod:`edgespec.observer.cell.cell_search`.
    """
    monkeypatch.setattr("edgespec.observer.cell.cell_search.SEARCH_S", lengths_s)

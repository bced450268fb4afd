"""What is odd in a recording and costs nothing but a line in the log."""

import logging
from pathlib import Path

from edgespec.door import brief

__all__ = ["Oddities"]

_LOG = logging.getLogger(__name__)
_MOST = 8


class Oddities:
    """Sentences about one recording; as many are kept as a reader still reads."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._n_more = 0

    def add(self, text: str) -> None:
        """Take a sentence, or a part of one whose subject is the recording."""
        if len(self._texts) < _MOST:
            self._texts.append(brief(text, 240))
        else:
            self._n_more += 1

    def tell(self, path: Path) -> None:
        """Write a warning for each."""
        for text in self._texts:
            _LOG.warning("%s: %s", brief(path, 120), text)
        if self._n_more:
            _LOG.warning("%s: and %d more oddities", brief(path, 120), self._n_more)

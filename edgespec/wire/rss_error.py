"""Why a payload is no report, whichever form it travels in."""

from edgespec.wire.text import PayloadError

__all__ = ["RssPayloadError"]


class RssPayloadError(PayloadError):
    """A payload that is no report; ``reason`` is a word to count it by."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason

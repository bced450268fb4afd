"""Why a notification was not taken."""

from edgespec.errors import EdgespecError

__all__ = ["NotifyError"]


class NotifyError(EdgespecError):
    """A notification was not taken; its text has no secret.

    Args:
        text: why.
        may_pass: whether another attempt may help.
    """

    def __init__(self, text: str, *, may_pass: bool) -> None:
        super().__init__(text)
        self.may_pass = may_pass

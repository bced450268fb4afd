"""The exceptions of edgespec: one root, one subclass for each exit code a user meets.

An error message is one sentence that says what was wrong, the value, what is accepted and
what to do. The command line prints it and exits with ``exit_code``.
"""

__all__ = [
    "BrokerError",
    "ConfigError",
    "EdgespecError",
    "ModelError",
    "QualityError",
    "SourceError",
    "UsageError",
]


class EdgespecError(Exception):
    """Something edgespec can explain to its user."""

    exit_code = 1


class UsageError(EdgespecError):
    """An argument or URI that cannot be understood."""

    exit_code = 2


class ConfigError(EdgespecError):
    """A configuration file that is missing, malformed or inconsistent."""

    exit_code = 3


class SourceError(EdgespecError):
    """A radio or a recording that cannot be opened, or broke while it was read."""

    exit_code = 4


class ModelError(EdgespecError):
    """A bundle, a model file or an inference runtime that cannot be used."""

    exit_code = 5


class BrokerError(EdgespecError):
    """A broker that cannot be reached; fatal only with ``--require-broker``."""

    exit_code = 6


class QualityError(EdgespecError):
    """A benchmark or a quality gate that fell short."""

    exit_code = 7

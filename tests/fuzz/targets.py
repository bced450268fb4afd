"""Every parser by name."""

from tests.fuzz import files, laboratory, messages, recordings
from tests.fuzz.target import Target

__all__ = ["TARGETS"]

TARGETS: dict[str, Target] = {
    **messages.TARGETS,
    **recordings.TARGETS,
    **files.TARGETS,
    **laboratory.TARGETS,
}

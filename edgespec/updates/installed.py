"""Which installed model a band runs, as its pointer says: both directions, and every change."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from edgespec.decode import Decoder
from edgespec.door import door
from edgespec.errors import ModelError
from edgespec.option import about, check_record

__all__ = ["Installed", "installed_from_json"]

_SCHEMA = "edgespec.installed/1"
#: Of models that were not good, so many are remembered.
_MOST_REFUSED = 16
_ID = {"pattern": r"[0-9a-f]{64}", "pattern_text": "the SHA-256 of a bundle, 64 hexadecimal digits"}
_DECODER = Decoder(ModelError, advice="install the model again", allows_more=True)


@dataclass(frozen=True, slots=True)
class Installed:
    """The models of a band by their ids, the SHA-256 of their content.

    ``current`` is the one that is to run, ``previous`` the one before it. None stands for what the
    band runs without an installed model: the shipped one, or none. ``since_utc`` and ``why`` are of
    the last change of these. A ``candidate`` runs beside the current one to show what it would do;
    ``candidate_since_utc`` and ``candidate_why`` are of its last change, so that what comes and
    goes beside the current one does not make that any newer.
    ``refused`` were taken back or found wanting, the newest first.
    """

    current: str | None = field(default=None, metadata=about("Model that is to run", **_ID))
    previous: str | None = field(default=None, metadata=about("Model before it", **_ID))
    since_utc: str = ""
    why: str = ""
    candidate: str | None = field(default=None, metadata=about("Model that is tried", **_ID))
    candidate_since_utc: str = ""
    candidate_why: str = ""
    refused: tuple[str, ...] = field(default=(), metadata=about("Models not to take", **_ID))

    def __post_init__(self) -> None:
        check_record(self, ModelError)

    @property
    def named(self) -> set[str]:
        """Every model that may have to run: none of them may be removed."""
        return {one for one in (self.current, self.previous, self.candidate) if one is not None}

    @property
    def told(self) -> dict[str, Any]:
        """What programs are told of it, for JSON; a time or a model that is not there is None."""
        return {
            "current": self.current,
            "previous": self.previous,
            "candidate": self.candidate,
            "candidate_since": self.candidate_since_utc or None,
            "candidate_why": self.candidate_why,
            "refused": list(self.refused),
            "since": self.since_utc or None,
            "why": self.why,
        }

    def with_current(self, sha256: str, since_utc: str, why: str) -> "Installed":
        """Return it with another current model; the same one again keeps its predecessor."""
        return replace(
            self,
            current=sha256,
            previous=self.previous if sha256 == self.current else self.current,
            since_utc=since_utc,
            why=why,
            candidate=None,
            candidate_since_utc="",
            candidate_why="",
            refused=tuple(one for one in self.refused if one != sha256),
        )

    def with_candidate(self, sha256: str, since_utc: str, why: str) -> "Installed":
        """Return it with a model that is tried beside the current one."""
        return replace(self, candidate=sha256, candidate_since_utc=since_utc, candidate_why=why)

    def promoted(self, since_utc: str, why: str) -> "Installed":
        """Return it with the candidate as the current model.

        Raises:
            ModelError: there is no candidate.
        """
        return self.with_current(self._tried(), since_utc, why)

    def without_candidate(self, since_utc: str, why: str, *, is_refused: bool) -> "Installed":
        """Return it without its candidate, which is not to be taken again where it is refused.

        Raises:
            ModelError: there is no candidate.
        """
        candidate = self._tried()
        refused = self._refusing(candidate) if is_refused else self.refused
        return replace(
            self,
            candidate=None,
            candidate_since_utc=since_utc,
            candidate_why=why,
            refused=refused,
        )

    def _tried(self) -> str:
        """Return the candidate.

        Raises:
            ModelError: there is none.
        """
        if self.candidate is None:
            raise ModelError(
                "no model is tried in this band: one that is fetched from the broker is, and "
                "`edgespec model install` takes a file at once"
            )
        return self.candidate

    def rolled_back(self, since_utc: str, why: str) -> "Installed":
        """Return it with the model before the current one, which is refused from now on.

        The one before that is not known any more: what would run without an installed model takes
        its place. A candidate stays.

        Raises:
            ModelError: no installed model runs.
        """
        if self.current is None:
            raise ModelError(
                "no installed model runs in this band, so that there is none to take back: "
                "`edgespec model list` says what is installed"
            )
        return replace(
            self,
            current=self.previous,
            previous=None,
            since_utc=since_utc,
            why=why,
            refused=self._refusing(self.current),
        )

    def as_json(self) -> bytes:
        """Return it as the file of a band holds it."""
        return json.dumps({"schema": _SCHEMA, **asdict(self)}, indent=1).encode() + b"\n"

    def _refusing(self, sha256: str | None) -> tuple[str, ...]:
        if sha256 is None:
            return self.refused
        return (sha256, *(one for one in self.refused if one != sha256))[:_MOST_REFUSED]


def installed_from_json(content: bytes, where: str) -> Installed:
    """Return what the file of a band holds; ``where`` stands for it in messages.

    Raises:
        ModelError: it is no JSON, of another version, or names no models.
    """
    with door(where, ModelError, "install the model again"):
        return _DECODER.from_json(Installed, content, _SCHEMA, where)

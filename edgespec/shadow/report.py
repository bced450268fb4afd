"""What came of a candidate beside the running model: the report, its file, what it amounts to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import exp
from pathlib import Path
from typing import Any

from edgespec.decode import Decoder, read_kept
from edgespec.errors import ConfigError
from edgespec.newfile import replace_file
from edgespec.shadow.encounters import SeenEvent
from edgespec.shadow.pairs import DetectorPairs
from edgespec.units import format_duration
from edgespec.wire.text import encode

__all__ = [
    "BAD",
    "Finding",
    "ShadowReport",
    "Side",
    "findings",
    "load_report",
    "report_path",
    "save_report",
]

SCHEMA = "edgespec.shadow/1"
_ADVICE = "run the candidate in shadow again with `edgespec monitor --shadow BUNDLE`"
_DECODER = Decoder(ConfigError, advice=_ADVICE)
_MAX_BYTES = 1 << 20
_DAY_S = 86_400.0
#: So much may be skipped: what the computer does beside the observer costs a little now and then.
_MOST_SKIPPED = 0.01
#: A network that takes so many times as long as the running one is no slower: at the lowest
#: priority it is interrupted more often.
_AS_FAST = 1.5
#: So improbable it must be that as many events come by chance as a candidate tells alone.
_CHANCE = 0.01
#: So many segments above the threshold of the running network are more than a few by chance.
_ENOUGH = 10
#: Findings that speak against a candidate.
BAD = ("ended", "slow", "deaf", "noisy")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two models.

    ``latency_s`` (``p50``, ``p99``, ``max``) is from the last sample to the decision, ``call_s``
    that of the network alone; both are empty where nothing was counted. Of ``n_events`` that could
    be compared, ``n_alone`` were told by this model and not by the other.
    """

    model: str
    model_sha256: str | None
    latency_s: Mapping[str, float]
    call_s: Mapping[str, float]
    n_events: int = 0
    n_alone: int = 0


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """A candidate beside the running model, up to now.

    Of ``heard_s`` of signal, ``skipped_s`` were not given to it, since it was behind; in
    ``compared_s`` it had scores behind its warm-up, of which ``warmup_left_s`` are left.
    ``hop_s`` is from one of its segments to the next. ``detectors`` are those that both have,
    ``of_network`` the names of those that need the network.
    Events ``both`` told, or one ``alone``, are the newest. Test tones are its own drill's.
    ``bearable_per_day`` are the events a day that its thresholds are for. ``ended`` says why it
    runs no more; '' while it runs, or where the observer has ended.
    """

    band: str
    begun: str
    written: str
    heard_s: float
    skipped_s: float
    compared_s: float
    warmup_left_s: float
    hop_s: float
    bearable_per_day: float
    running: Side
    candidate: Side
    detectors: Mapping[str, DetectorPairs]
    both: tuple[SeenEvent, ...] = ()
    alone_running: tuple[SeenEvent, ...] = ()
    alone_candidate: tuple[SeenEvent, ...] = ()
    n_tests_heard: int = 0
    n_tests_missed: int = 0
    last_test: str | None = None
    of_network: tuple[str, ...] = ()
    ended: str = ""

    @property
    def skipped_share(self) -> float:
        """Share of what was heard that was not given to the candidate."""
        return self.skipped_s / self.heard_s if self.heard_s else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the object of schema ``edgespec.shadow/1``."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, text: bytes | str, where: str) -> "ShadowReport":
        """Return the report in a JSON text; ``where`` names it.

        Raises:
            ConfigError: it is none.
        """
        return _DECODER.from_json(cls, text, SCHEMA, where)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a report amounts to.

    ``kind`` is one of :data:`BAD`, or ``starved``, ``unproven`` or ``good``.
    """

    kind: str
    words: str


def findings(report: ShadowReport) -> tuple[Finding, ...]:
    """Return what speaks against a candidate; where nothing does, what speaks for it, if any."""
    found = [one for one in (_ended(report), _slow(report), _deaf(report), _noisy(report)) if one]
    if found:
        return tuple(found)
    n_both = report.candidate.n_events - report.candidate.n_alone
    if not n_both and not report.n_tests_heard:
        words = (
            f"in {format_duration(report.compared_s)} nothing came that it could have heard: "
            "neither an event of the running model nor a test tone"
        )
        return (Finding("unproven", words),)
    words = f"it told {n_both} of {report.running.n_events} events"
    # Sweeps have no test tones.
    if n_tests := report.n_tests_heard + report.n_tests_missed:
        words += f", heard {report.n_tests_heard} of {n_tests} test tones"
    return (Finding("good", words),)


def _ended(report: ShadowReport) -> Finding | None:
    return Finding("ended", report.ended) if report.ended else None


def _slow(report: ShadowReport) -> Finding | None:
    call_s = report.candidate.call_s.get("p50", 0.0)
    if report.skipped_share <= _MOST_SKIPPED and call_s <= report.hop_s:
        return None
    skipped = f"it skipped {100.0 * report.skipped_share:.1f}% of what was heard"
    running_s = report.running.call_s.get("p50", 0.0)
    if call_s <= min(_AS_FAST * running_s, report.hop_s):
        # It is no slower than the model that keeps up.
        words = f"{skipped}: this machine has not enough time left for two, which is not its fault"
        return Finding("starved", words)
    words = (
        f"{skipped}; its network takes "
        f"{1e3 * call_s:.3g} ms (median; the running one {_ms(report.running.call_s)}), and a "
        f"segment comes every {1e3 * report.hop_s:.3g} ms"
    )
    return Finding("slow", words)


def _deaf(report: ShadowReport) -> Finding | None:
    missed, of = report.running.n_alone, report.running.n_events
    words = []
    if report.n_tests_missed:
        n = report.n_tests_heard + report.n_tests_missed
        words.append(f"of {n} test tones it missed {report.n_tests_missed}")
    # One of three may be near the threshold of both.
    if 2 * missed > of:
        words.append(f"of {of} events that the running model told it missed {missed}")
    for name in report.of_network:
        of_network = report.detectors.get(name)
        # Other detectors, which are the same beside both, may hear for a network that does not.
        if of_network is None or of_network.n_candidate or of_network.n_running < _ENOUGH:
            continue
        words.append(
            f"its {name} was never above the threshold, that of the running model in "
            f"{of_network.n_running} segments"
        )
    return Finding("deaf", "; ".join(words)) if words else None


def _noisy(report: ShadowReport) -> Finding | None:
    n, expected = report.candidate.n_alone, report.bearable_per_day * report.compared_s / _DAY_S
    # In place of less than one event in ten thresholds mean little.
    if n < 2 or _at_least(n, expected) >= _CHANCE:
        return None
    words = (
        f"it told {n} events that the running model did not, in "
        f"{format_duration(report.compared_s)}; {report.bearable_per_day:g} a day are bearable"
    )
    return Finding("noisy", words)


def _at_least(n: int, expected: float) -> float:
    """Return the probability of ``n`` or more events where so many are expected (Poisson)."""
    term, below = exp(-expected), 0.0
    for k in range(n):
        below += term
        term *= expected / (k + 1)
    return max(1.0 - below, 0.0)


def _ms(times_s: Mapping[str, float]) -> str:
    return f"{1e3 * times_s['p50']:.3g} ms" if "p50" in times_s else "none"


def report_path(state_dir: Path, band: str) -> Path:
    """Return where the report of a band is kept."""
    return state_dir / "models" / "trials" / f"{band}.json"


def save_report(path: Path, report: ShadowReport) -> None:
    """Put a report into its place.

    Raises:
        OSError: it cannot be written.
    """
    replace_file(path, encode(report.as_json()))


def load_report(path: Path) -> ShadowReport | None:
    """Return what is kept; None where no candidate ever ran in shadow.

    Raises:
        ConfigError: the file cannot be read, or holds no report.
    """
    text = read_kept(path, ConfigError, _ADVICE, _MAX_BYTES)
    return None if text is None else ShadowReport.from_json(text, str(path))

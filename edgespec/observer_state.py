"""What the monitor says of one band, and of itself, once in a while."""

from dataclasses import dataclass, field

from edgespec.band_rhythm import BandRhythm
from edgespec.errand import Errand
from edgespec.heard_cell import HeardCell
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.promise import Promise
from edgespec.site_cell import SiteCell

__all__ = ["ObserverState"]


@dataclass(frozen=True, slots=True)
class ObserverState:
    """What the monitor says of one band, and of itself, once in a while.

    ``speed`` is seconds of signal per second of work; ``n_skipped`` counts segments that were not
    scored, by reason. While ``warmup_left_s`` of signal are still to be learnt from, ``scores`` is
    empty. Of the last second of signal, ``unscored_share`` could not be scored, mostly for
    ``unscored_reason``, and nothing has been scored for ``unscored_s`` now. ``alarm`` says that an
    alert is open; ``troubles`` with the receiver go on, and while ``overload`` is one, levels are
    lower bounds. ``distrust`` says why what the warm-up learnt is not trusted, '' where it is.
    ``center_freq_hz`` is where the band lies now. ``cell`` is the one that is cancelled, or None;
    ``n_untold`` notifications of alerts were lost; ``board`` says what holds the computer back,
    ``history_problem`` why no history can be kept, ``side_inputs`` for which hours the context
    stands in; ``events_last_day`` opened in 24 h; ``promise`` says how many are false, and
    ``raised`` how many times its usual threshold that of a detector is by now, to keep to them.
    ``latency_s`` is the time from the last sample of a segment to the decision on it since the
    start: ``p50``, ``p99`` and ``max``. A radio that takes turns is ``tuned`` to the band now, or
    to another one, and heard it for a share ``duty`` of the time since the start. ``site_cells``
    are those that it knows what is normal beside, told apart when they change; ``rhythm`` is what
    it knows of a band without one. ``last_test_ns`` is when the band last found its own test tone,
    None where it has not yet; ``errand`` is what somebody asked for and goes on. ``model_note``
    says why an installed model runs, or another one does; ``model_caution`` why the band did not
    begin with its installed model, '' where it did. ``scale`` says what levels are in other units,
    set on the way out.
    """

    utc_ns: int
    uptime_s: float
    n_samples: int
    n_segments: int
    n_events: int
    n_dropped: int
    n_skipped: dict[str, int] = field(default_factory=dict)
    level_dbfs: float = 0.0
    noise_floor_dbfs: float = 0.0
    scores: dict[str, float] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    speed: float = 0.0
    alarm: bool = False
    mqtt_connected: bool | None = None
    spool_events: int = 0
    warmup_left_s: float = 0.0
    latency_s: dict[str, float] = field(default_factory=dict)
    band: str = ""
    model_sha256: str | None = None
    unscored_reason: str = ""
    unscored_share: float = 0.0
    unscored_s: float = 0.0
    troubles: tuple[str, ...] = ()
    distrust: str = ""
    center_freq_hz: float = 0.0
    cell: HeardCell | None = None
    events_last_day: int = 0
    promise: Promise | None = None
    n_untold: int = 0
    board: tuple[str, ...] = ()
    history_problem: str = ""
    tuned: bool = True
    duty: float = 1.0
    site_cells: tuple[SiteCell, ...] = ()
    rhythm: BandRhythm | None = None
    side_inputs: str = ""
    raised: dict[str, float] = field(default_factory=dict)
    last_test_ns: int | None = None
    errand: Errand | None = None
    model_note: str = ""
    model_caution: str = ""
    scale: LevelScale = UNCALIBRATED

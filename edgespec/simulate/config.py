"""What a simulated scene is made of: cell, channel, receiver, interferers. Records only."""

from dataclasses import dataclass, field

from edgespec.errors import UsageError
from edgespec.nr.numerology import SPACINGS_HZ
from edgespec.nr.sequences import N_IDENTITIES
from edgespec.records import SampleFormat
from edgespec.simulate.bounds import check_bounds
from edgespec.simulate.numerology import N_SUBCARRIERS, SUBCARRIER_HZ

__all__ = [
    "BURST_GROUPS",
    "FAULTS",
    "SERVICE_NAMES",
    "CellConfig",
    "ChannelConfig",
    "FaultConfig",
    "InterfererConfig",
    "NeighbourConfig",
    "NrConfig",
    "ReceiverConfig",
    "SceneConfig",
    "TddConfig",
    "UplinkConfig",
]

#: What can go wrong with the wanted signal.
FAULTS = ("power-step", "frequencies-down", "station-lost")
#: What may be sent in place of a cell.
SERVICE_NAMES = ("gsm", "fm", "meters", "hoppers", "transponders")
#: Smallest and largest burst of a user, in resource-block groups.
BURST_GROUPS = (8.0, 4000.0)


@dataclass(frozen=True, slots=True)
class CellConfig:
    """An LTE downlink cell of 5 MHz (25 resource blocks).

    ``load`` is the mean share of the data resources in use, 0 (idle: reference, sync and
    broadcast signals only) to 1. ``n_ports`` 1 or 2 antenna ports of reference signals.
    ``user_spread_db`` is the standard deviation of the power offset between users.

    ``user_groups`` is the most of the 13 resource-block groups that one user gets at a time, each
    user around a place of its own that wanders; 0 gives whoever is first all that is free.
    ``burst_groups`` are the smallest and the largest burst of a user, in groups of one subframe.
    ``load_curve`` are factors of the load over a day of 24 hours, in equal steps, and ``clock_s``
    is the time of day at the start; without a curve the load stays. ``n_control`` 1 to 3 fixes
    the control symbols, 0 lets them follow the users. ``control_db``, ``reference_db`` and
    ``sync_db`` are power offsets of control, reference and synchronisation signals.
    """

    pci: int = 123
    load: float = 0.5
    n_users: int = 8
    n_ports: int = 1
    scheduler: str = "proportional-fair"
    user_spread_db: float = 1.5
    user_groups: int = 0
    # Came later: where it is not given, the keys of tasks are what they were.
    burst_groups: tuple[float, float] = field(default=BURST_GROUPS, metadata={"late": True})
    load_curve: tuple[float, ...] = ()
    clock_s: float = 0.0
    n_control: int = 0
    control_db: float = 0.0
    reference_db: float = 0.0
    sync_db: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.pci <= 503:
            raise UsageError(f"the cell identity is {self.pci}; it must be 0 to 503")
        if not 0.0 <= self.load <= 1.0:
            raise UsageError(f"the load is {self.load}; it must be 0 (idle) to 1 (full)")
        if self.n_users < 1:
            raise UsageError(f"n_users is {self.n_users}; a cell needs at least 1")
        if self.n_ports not in (1, 2):
            raise UsageError(f"n_ports is {self.n_ports}; 1 and 2 are simulated")
        if not 0 <= self.user_groups <= 13:
            raise UsageError(f"user_groups is {self.user_groups}; it must be 0 (no limit) to 13")
        if not 0 < self.burst_groups[0] <= self.burst_groups[1]:
            raise UsageError(
                f"burst_groups are {self.burst_groups[0]:g} to {self.burst_groups[1]:g}; the "
                "first must be positive, and the second no smaller"
            )
        if not 0 <= self.n_control <= 3:
            raise UsageError(f"n_control is {self.n_control}; it must be 0 (by load) to 3")
        check_bounds(self)


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """What happens between the cell and the antenna of the observer.

    ``profile`` is ``flat``, ``epa`` or ``eva`` (3GPP TS 36.101, annex B.2); ``doppler_hz`` the
    largest Doppler shift, 0 stands still; ``rician_k_db`` the power of the direct path over the
    scattered ones in the first tap, None for Rayleigh fading. ``snr_db`` is the power of a
    loaded subcarrier over the noise in it, at a channel gain of 1: it depends neither on the
    load nor on the sample rate. ``shadow_db`` is the standard deviation of a slow fading with
    correlation over ``shadow_s``, such as 50 m at walking or driving speed; 0 has none.
    """

    profile: str = "epa"
    doppler_hz: float = 0.0
    rician_k_db: float | None = 10.0
    snr_db: float = 20.0
    cfo_hz: float = 0.0
    shadow_db: float = 0.0
    shadow_s: float = 30.0

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass(frozen=True, slots=True)
class NeighbourConfig:
    """A second cell at the edge of the first: its level against it, and its own way.

    ``delay_s`` is how much later its frames begin (0 to 10 ms). Of ``channel`` all counts but the
    SNR.
    """

    cell: CellConfig
    level_db: float = -6.0
    delay_s: float = 0.0
    channel: ChannelConfig = field(default_factory=ChannelConfig)

    def __post_init__(self) -> None:
        if not 0.0 <= self.delay_s < 0.01:
            raise UsageError(
                f"delay_s of a neighbour is {self.delay_s:g}; it must be 0 to 0.01, a frame"
            )
        check_bounds(self)


@dataclass(frozen=True, slots=True)
class UplinkConfig:
    """The users of a cell as an observer hears them, of 25 resource blocks.

    ``load`` is the mean share of the 23 blocks between the control channels that is in use.
    Received powers differ by a normal law of ``gain_sigma_db``, their sum stays; timing and
    frequency errors are uniform within ``timing_s`` and ``cfo_hz`` to either side. Every user
    sends a sounding symbol each ``srs_period_s`` (0: never) and a control message with
    probability ``control_rate`` per subframe; a random-access preamble comes with probability
    ``prach_rate`` per frame.
    """

    n_users: int = 20
    load: float = 0.5
    gain_sigma_db: float = 12.0
    timing_s: float = 5e-6
    cfo_hz: float = 100.0
    control_rate: float = 0.05
    srs_period_s: float = 0.08
    prach_rate: float = 0.1

    def __post_init__(self) -> None:
        if not 1 <= self.n_users <= 100:
            raise UsageError(f"n_users of an uplink is {self.n_users}; it must be 1 to 100")
        for name in ("load", "control_rate", "prach_rate"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise UsageError(f"{name} of an uplink is {value}; it must be 0 to 1")
        if self.srs_period_s and self.srs_period_s < 0.005:
            raise UsageError(
                f"srs_period_s is {self.srs_period_s:g}; it must be 0 (never) or at least 0.005"
            )
        check_bounds(self)


@dataclass(frozen=True, slots=True)
class TddConfig:
    """Time division: subframes of the cell and of its users take turns (TS 36.211, sec. 4.2).

    ``pattern`` is the uplink-downlink configuration 0 to 6, and ``special`` the configuration 0
    to 9 of the special subframe between them, with normal prefixes. ``uplink_db`` is the level of
    the average user against that of the full cell.
    """

    pattern: int = 2
    special: int = 7
    uplink_db: float = -10.0

    def __post_init__(self) -> None:
        for name, most in (("pattern", 6), ("special", 9)):
            value = getattr(self, name)
            if value not in range(most + 1):
                raise UsageError(f"{name} of time division is {value}; it must be 0 to {most}")
        check_bounds(self)


@dataclass(frozen=True, slots=True)
class NrConfig:
    """An NR downlink cell: what 7.68 MS/s hold of it.

    ``spacing_hz`` is that of the subcarriers, 15e3 (25 resource blocks, 4.5 MHz) or 30e3 (20 of
    them, 7.2 MHz); ``load`` the mean share of the data elements in use, in bursts.
    """

    pci: int = 123
    spacing_hz: float = 15e3
    load: float = 0.5

    def __post_init__(self) -> None:
        if self.pci not in range(N_IDENTITIES):
            raise UsageError(f"the cell identity is {self.pci}; it must be 0 to 1007 with NR")
        if self.spacing_hz not in SPACINGS_HZ:
            raise UsageError(
                f"the subcarrier spacing is {self.spacing_hz:g} Hz; 15e3 and 30e3 are simulated"
            )
        if not 0.0 <= self.load <= 1.0:
            raise UsageError(f"the load is {self.load}; it must be 0 (idle) to 1 (full)")
        check_bounds(self)

    @property
    def n_subcarriers(self) -> int:
        """Subcarriers in use, from half of them below the carrier on."""
        return 300 if self.spacing_hz == SPACINGS_HZ[0] else 240


@dataclass(frozen=True, slots=True)
class FaultConfig:
    """What goes wrong with the wanted signal itself (Li et al. 2019, table 3).

    ``kind`` is ``power-step``, by ``step_db``; ``frequencies-down``, a block of a ``share`` of
    the subcarriers at a place that the seed draws; or ``station-lost``. It lasts from the first
    symbol that begins at or after ``start_s`` until ``stop_s`` (None: for good).
    """

    kind: str
    start_s: float = 0.0
    stop_s: float | None = None
    step_db: float = 3.0
    share: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in FAULTS:
            raise UsageError(f"the fault is {self.kind!r}; known are {', '.join(FAULTS)}")
        if self.start_s < 0 or (self.stop_s is not None and self.stop_s <= self.start_s):
            raise UsageError(
                f"a fault lasts from start_s {self.start_s} to stop_s {self.stop_s}; the start "
                "must not be negative, and the stop must come after it"
            )
        if not 0.0 < self.share <= 1.0:
            raise UsageError(f"share of a fault is {self.share}; it must be above 0, at most 1")
        check_bounds(self)


@dataclass(frozen=True, slots=True)
class ReceiverConfig:
    """Gain, defects and converter of the observer.

    ``level_dbfs`` is the level of a fully loaded cell at a channel gain of 1; the gain that
    makes it is fixed, whatever else is on the air. ``adc_bits`` 0 leaves the samples as they
    are (cf32 only). ``gain_imbalance_db`` and ``phase_imbalance_deg`` belong to Q against I.

    The gain moves by ``gain_steps_db`` at ``gain_times_s``, and by random steps of up to
    ``agc_range_db`` either side of the fixed gain, on average each ``agc_every_s`` (0: never).
    """

    sample_format: SampleFormat = SampleFormat.CI16
    adc_bits: int = 12
    level_dbfs: float = -18.0
    dc: complex = 0j
    gain_imbalance_db: float = 0.0
    phase_imbalance_deg: float = 0.0
    gain_times_s: tuple[float, ...] = ()
    gain_steps_db: tuple[float, ...] = ()
    agc_every_s: float = 0.0
    agc_range_db: float = 6.0

    def __post_init__(self) -> None:
        least, most = {"cf32": (2, 24), "cu8": (8, 8), "ci8": (2, 8), "ci16": (2, 16)}[
            self.sample_format.value
        ]
        lossless = self.adc_bits == 0 and self.sample_format is SampleFormat.CF32
        if not (lossless or least <= self.adc_bits <= most):
            raise UsageError(
                f"a converter of {self.adc_bits} bits does not fit the format "
                f"{self.sample_format.value}, which takes {least} to {most}"
            )
        if len(self.gain_times_s) != len(self.gain_steps_db):
            raise UsageError(
                f"there are {len(self.gain_steps_db)} gain_steps_db for {len(self.gain_times_s)} "
                "gain_times_s; give each step its time"
            )
        if any(b <= a for a, b in zip((-1.0, *self.gain_times_s), self.gain_times_s, strict=False)):
            raise UsageError(f"gain_times_s are {self.gain_times_s}; they must grow from 0")
        check_bounds(self)


@dataclass(frozen=True, slots=True)
class InterfererConfig:
    """Something that does not belong on the band.

    ``offset_hz`` is its middle against the centre frequency. It is active from ``start_s`` to
    ``stop_s`` (None: for good), and again every ``every_s`` where that is given. ``isr_db`` is
    its mean power while it transmits over the mean power of the wanted signal, without noise,
    during that time. ``period_s`` and ``duty`` are those of a pulse train or of a sweep, and
    ``sweep_hz_per_s`` sets the period of a sweep by its rate; 0 takes the usual ones of the kind.
    ``random_duty`` draws every pulse's length, with the mean ``duty``, and its place.

    The seed draws a start up to ``start_jitter_s`` later and an offset up to
    ``offset_jitter_hz`` to either side. ``channel`` is the interferer's own way to the observer:
    profile, Doppler, direct path and frequency offset count, its SNR does not; None is a constant
    gain.
    """

    kind: str = "tone"
    isr_db: float = 0.0
    offset_hz: float = 0.0
    bandwidth_hz: float = 0.0
    start_s: float = 0.0
    stop_s: float | None = None
    every_s: float = 0.0
    period_s: float = 0.0
    duty: float = 0.0
    sweep_hz_per_s: float = 0.0
    random_duty: bool = False
    start_jitter_s: float = 0.0
    offset_jitter_hz: float = 0.0
    channel: ChannelConfig | None = None

    def __post_init__(self) -> None:
        if self.stop_s is not None and self.stop_s <= self.start_s:
            raise UsageError(f"stop_s is {self.stop_s}; it must come after start_s {self.start_s}")
        if self.every_s and (self.stop_s is None or self.every_s < self.stop_s - self.start_s):
            raise UsageError(
                f"every_s is {self.every_s}; it needs a stop_s and must not be shorter than the "
                "time from start_s to stop_s"
            )
        check_bounds(self)


@dataclass(frozen=True, slots=True)
class SceneConfig:
    """All that an observer hears. Two scenes of one config and one seed are equal.

    With an ``uplink`` the users are heard in place of the cell and its neighbours, or with
    ``tdd`` in their own subframes; these are silent where there is ``tdd`` alone. Neighbours divide
    the time alike. With ``nr`` that cell is heard in place of ``cell``, alone. With a ``service``
    of :data:`SERVICE_NAMES` there is no cell at all, but what that sends, and powers are those of
    its strongest transmission while it lasts.
    """

    sample_rate_hz: float = 5e6
    cell: CellConfig = field(default_factory=CellConfig)
    channel: ChannelConfig = field(default_factory=ChannelConfig)
    receiver: ReceiverConfig = field(default_factory=ReceiverConfig)
    interferers: tuple[InterfererConfig, ...] = ()
    faults: tuple[FaultConfig, ...] = ()
    neighbours: tuple[NeighbourConfig, ...] = ()
    uplink: UplinkConfig | None = None
    tdd: TddConfig | None = None
    nr: NrConfig | None = field(default=None, metadata={"late": True})
    service: str = field(default="", metadata={"late": True})

    def __post_init__(self) -> None:
        if self.nr is not None and (self.uplink or self.tdd or self.neighbours or self.faults):
            raise UsageError(
                "an NR cell is simulated alone: no uplink, time division, neighbours or faults"
            )
        if self.service not in ("", *SERVICE_NAMES):
            raise UsageError(
                f"the service is {self.service!r}; known are {', '.join(SERVICE_NAMES)}, and '' "
                "for a cell"
            )
        others = self.uplink or self.tdd or self.neighbours or self.faults or self.nr
        if self.service and others:
            raise UsageError(
                f"the band of the service {self.service!r} has no cell: leave uplink, tdd, nr, "
                "neighbours and faults out"
            )
        if self.uplink is not None and self.neighbours and self.tdd is None:
            raise UsageError("an uplink has no neighbours; leave one of them out")
        check_bounds(self)

    @property
    def occupied_hz(self) -> float:
        """Width of a full cell: its subcarriers."""
        if self.nr is not None:
            return self.nr.n_subcarriers * self.nr.spacing_hz
        return N_SUBCARRIERS * SUBCARRIER_HZ

"""What a simulated scene is made of: cell, channel, receiver, interferers. Records only."""

from dataclasses import dataclass, field

from edgespec.errors import UsageError
from edgespec.records import SampleFormat

__all__ = ["CellConfig", "ChannelConfig", "InterfererConfig", "ReceiverConfig", "SceneConfig"]


@dataclass(frozen=True, slots=True)
class CellConfig:
    """An LTE downlink cell of 5 MHz (25 resource blocks).

    ``load`` is the mean share of the data resources in use, 0 (idle: reference, sync and
    broadcast signals only) to 1. ``n_ports`` 1 or 2 antenna ports of reference signals.
    ``user_spread_db`` is the standard deviation of the power offset between users.
    """

    pci: int = 123
    load: float = 0.5
    n_users: int = 8
    n_ports: int = 1
    scheduler: str = "proportional-fair"
    user_spread_db: float = 1.5

    def __post_init__(self) -> None:
        if not 0 <= self.pci <= 503:
            raise UsageError(f"the cell identity is {self.pci}; it must be 0 to 503")
        if not 0.0 <= self.load <= 1.0:
            raise UsageError(f"the load is {self.load}; it must be 0 (idle) to 1 (full)")
        if self.n_users < 1:
            raise UsageError(f"n_users is {self.n_users}; a cell needs at least 1")
        if self.n_ports not in (1, 2):
            raise UsageError(f"n_ports is {self.n_ports}; 1 and 2 are simulated")


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """What happens between the cell and the antenna of the observer.

    ``profile`` is ``flat``, ``epa`` or ``eva`` (3GPP TS 36.101, annex B.2); ``doppler_hz`` the
    largest Doppler shift, 0 stands still; ``rician_k_db`` the power of the direct path over the
    scattered ones in the first tap, None for Rayleigh fading. ``snr_db`` is the power of a
    loaded subcarrier over the noise in it, at a channel gain of 1: it depends neither on the
    load nor on the sample rate.
    """

    profile: str = "epa"
    doppler_hz: float = 0.0
    rician_k_db: float | None = 10.0
    snr_db: float = 20.0
    cfo_hz: float = 0.0


@dataclass(frozen=True, slots=True)
class ReceiverConfig:
    """Gain, defects and converter of the observer.

    ``level_dbfs`` is the level of a fully loaded cell at a channel gain of 1; the gain that
    makes it is fixed, whatever else is on the air. ``adc_bits`` 0 leaves the samples as they
    are (cf32 only). ``gain_imbalance_db`` and ``phase_imbalance_deg`` belong to Q against I.
    """

    sample_format: SampleFormat = SampleFormat.CI16
    adc_bits: int = 12
    level_dbfs: float = -18.0
    dc: complex = 0j
    gain_imbalance_db: float = 0.0
    phase_imbalance_deg: float = 0.0

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


@dataclass(frozen=True, slots=True)
class InterfererConfig:
    """Something that does not belong on the band.

    ``offset_hz`` is its middle against the centre frequency. It is active from ``start_s`` to
    ``stop_s`` (None: for good), and again every ``every_s`` where that is given. ``isr_db`` is
    its mean power while it transmits over the mean power of the wanted signal, without noise,
    during that time. ``period_s`` and ``duty`` are those of a pulse train or of a sweep; 0 takes
    the usual ones of the kind.
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

    def __post_init__(self) -> None:
        if self.start_s < 0:
            raise UsageError(f"start_s is {self.start_s}; it must not be negative")
        if self.stop_s is not None and self.stop_s <= self.start_s:
            raise UsageError(f"stop_s is {self.stop_s}; it must come after start_s {self.start_s}")
        if self.every_s and (self.stop_s is None or self.every_s < self.stop_s - self.start_s):
            raise UsageError(
                f"every_s is {self.every_s}; it needs a stop_s and must not be shorter than the "
                "time from start_s to stop_s"
            )
        if not 0.0 <= self.duty <= 1.0:
            raise UsageError(f"duty is {self.duty}; it must be 0 to 1")


@dataclass(frozen=True, slots=True)
class SceneConfig:
    """All that an observer hears. Two scenes of one config and one seed are equal."""

    sample_rate_hz: float = 5e6
    cell: CellConfig = field(default_factory=CellConfig)
    channel: ChannelConfig = field(default_factory=ChannelConfig)
    receiver: ReceiverConfig = field(default_factory=ReceiverConfig)
    interferers: tuple[InterfererConfig, ...] = ()

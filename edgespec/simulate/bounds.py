"""Bounds of the numbers of a simulated scene: within them no arithmetic overflows, none goes on."""

from dataclasses import fields
from typing import Any

from edgespec.errors import UsageError

__all__ = ["BOUNDS", "MOST_RATE_HZ", "check_bounds"]

#: The largest rate of a recording, too.
MOST_RATE_HZ = 6e8
_MOST_S = 1e9
#: Eleven days: all that the cell sends until an interferer begins is planned to know its level.
_MOST_WAITED_S = 1e6
_DB = (-200.0, 200.0)
_SPREAD_DB = (0.0, 100.0)
_TIME_S = (0.0, _MOST_S)

#: Least and largest value by the name of a field. Names of one meaning have one pair.
BOUNDS: dict[str, tuple[float, float]] = {
    "n_users": (1, 1000),
    "user_spread_db": _SPREAD_DB,
    "burst_groups": (1e-3, 1e6),
    "load_curve": (0.0, 1e3),
    "clock_s": (-_MOST_S, _MOST_S),
    "control_db": _DB,
    "reference_db": _DB,
    "sync_db": _DB,
    "doppler_hz": (0.0, 1e5),
    "rician_k_db": _DB,
    "snr_db": _DB,
    "cfo_hz": (-MOST_RATE_HZ, MOST_RATE_HZ),
    "shadow_db": _SPREAD_DB,
    "shadow_s": (1e-3, _MOST_S),
    "level_db": _DB,
    "gain_sigma_db": _SPREAD_DB,
    "timing_s": (0.0, 1e-2),
    "srs_period_s": _TIME_S,
    "uplink_db": _DB,
    "start_s": (0.0, _MOST_WAITED_S),
    "stop_s": _TIME_S,
    "step_db": _DB,
    "level_dbfs": _DB,
    "gain_imbalance_db": _DB,
    "phase_imbalance_deg": (-360.0, 360.0),
    "gain_times_s": _TIME_S,
    "gain_steps_db": _DB,
    "agc_every_s": (1e-3, _MOST_S),
    "agc_range_db": _SPREAD_DB,
    "isr_db": _DB,
    "offset_hz": (-MOST_RATE_HZ, MOST_RATE_HZ),
    "bandwidth_hz": (0.0, MOST_RATE_HZ),
    "every_s": (1e-4, _MOST_S),
    "period_s": _TIME_S,
    "duty": (1e-6, 1.0),
    "sweep_hz_per_s": (1.0, 1e15),
    "start_jitter_s": (0.0, _MOST_WAITED_S),
    "offset_jitter_hz": (0.0, MOST_RATE_HZ),
}
#: Where 0 stands for never, or for the usual value, below the least.
_MAY_BE_ZERO = ("agc_every_s", "every_s", "duty", "sweep_hz_per_s")


def check_bounds(record: Any) -> None:
    """Check the numbers of a record of a scene; None is no number.

    Raises:
        UsageError: one is out of its bounds.
    """
    for field in fields(record):
        if field.name not in BOUNDS:
            continue
        least, most = BOUNDS[field.name]
        may_be_zero = field.name in _MAY_BE_ZERO
        value = getattr(record, field.name)
        for number in value if isinstance(value, tuple) else (value,):
            if number is None or least <= number <= most or (may_be_zero and number == 0):
                continue
            zero = "0, or " if may_be_zero else ""
            raise UsageError(
                f"{field.name} is {number:g}; it must be {zero}from {least:g} to {most:g}"
            )

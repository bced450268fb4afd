"""Poisoned data: interferers that are on the air for a share of a recording."""

from dataclasses import replace

import numpy as np

from converter.simulate.specs import RecordingSpec
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.interferers import KINDS

__all__ = ["contaminate"]

#: Narrow and wide, lasting and pulsed; all fit into any band.
_KINDS = ("tone", "pulse", "chirp", "wideband", "wideband-pulse", "hop", "random-pulse")
_N_KINDS = 3
_TURN_S = 0.5
_ISR_SIGMA_DB = 3.0
#: Middles lie within this share of the room that the width of the interferer leaves.
_ROOM = 0.9


def contaminate(
    spec: RecordingSpec, share: float, isr_db: float, seed: tuple[int, ...]
) -> RecordingSpec:
    """Return a recording with interferers of three kinds, one at a time, at IQ.

    The kinds take turns of about half a second and are each active for ``share`` of theirs, so
    that something is on the air for ``share`` of the recording, from 0 to 1. Kinds, places in
    time and frequency, and ISRs are drawn by ``seed``, the latter around ``isr_db`` with a
    standard deviation of 3 dB.
    """
    if not share:
        return spec
    rng = np.random.default_rng(seed)
    n_rounds = max(1, round(spec.duration_s / (_N_KINDS * _TURN_S)))
    turn_s = spec.duration_s / (n_rounds * _N_KINDS)
    rate_hz = spec.scene.sample_rate_hz
    interferers = []
    for turn, kind in enumerate(rng.choice(_KINDS, _N_KINDS, replace=False)):
        start_s = turn_s * (turn + (1.0 - share) * float(rng.random()))
        room_hz = _ROOM * (rate_hz - KINDS[str(kind)].bandwidth_hz(rate_hz)) / 2
        interferers.append(
            InterfererConfig(
                str(kind),
                isr_db=float(rng.normal(isr_db, _ISR_SIGMA_DB)),
                offset_hz=float(rng.uniform(-room_hz, room_hz)),
                start_s=start_s,
                stop_s=start_s + share * turn_s,
                every_s=_N_KINDS * turn_s,
            )
        )
    scene = replace(spec.scene, interferers=(*spec.scene.interferers, *interferers))
    return replace(spec, scene=scene)

"""Settings: traffic and channels like those that somebody measured, as ranges to draw from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgespec.simulate.config import SceneConfig

__all__ = ["SETTINGS", "Setting", "settle"]

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Setting:
    """What one kind of cell sends and how it is heard; all ranges are uniform, ends included.

    ``load`` to ``burst_groups`` are as in :class:`~edgespec.simulate.config.CellConfig`, ``snr_db``
    and ``rician_k_db`` as in ``ChannelConfig``. ``speed`` is the share of the usual speed of a
    context, and ``profiles`` the channel profile by context. Nobody hears a second cell.
    """

    load: Range
    n_users: tuple[int, int]
    user_groups: int
    user_spread_db: float
    burst_groups: Range
    scheduler: str
    snr_db: Range
    rician_k_db: Range
    speed: Range
    profiles: Mapping[str, str]


_NEAR = {"static": "epa", "walk": "epa", "drive": "flat"}
#: Settings by name; an observer is in one of the kinds of its setting.
#:
#: ``li2019`` was fitted to the prediction errors of Li et al. 2019, table 1c: 2.43 to 2.62 dB
#: standing, walking and driving alike, with a spread of .2 from one segment to the next. A spread
#: as small asks for many short bursts in every horizon, and a driving observer that is no harder to
#: predict for a channel that hardly changes within one. ``fdd`` was fitted to two captures of 20
#: MHz carriers, heard standing: one serves a few users the whole band for 1 to 10 ms, 7 dB over
#: what it sends without them; the other is idle. ``benchmarks.detection.settings`` sets them beside
#: each other.
SETTINGS: Mapping[str, tuple[Setting, ...]] = {
    "li2019": (
        Setting(
            load=(0.95, 0.95),
            n_users=(60, 60),
            user_groups=2,
            user_spread_db=4.0,
            burst_groups=(2.0, 8.0),
            scheduler="round-robin",
            snr_db=(15.0, 30.0),
            rician_k_db=(12.0, 18.0),
            speed=(0.0, 0.6),
            profiles=_NEAR,
        ),
    ),
    "fdd": (
        Setting(
            load=(0.35, 0.45),
            n_users=(3, 5),
            user_groups=0,
            user_spread_db=1.0,
            burst_groups=(8.0, 130.0),
            scheduler="proportional-fair",
            snr_db=(9.0, 13.0),
            rician_k_db=(8.0, 15.0),
            speed=(0.0, 1.0),
            profiles=_NEAR,
        ),
        Setting(
            load=(0.0, 0.01),
            n_users=(1, 3),
            user_groups=4,
            user_spread_db=1.0,
            burst_groups=(4.0, 30.0),
            scheduler="proportional-fair",
            snr_db=(14.0, 24.0),
            rician_k_db=(8.0, 15.0),
            speed=(0.0, 1.0),
            profiles=_NEAR,
        ),
    ),
}


def settle(
    scene: SceneConfig, context: str, kinds: tuple[Setting, ...], rng: np.random.Generator
) -> SceneConfig:
    """Return a drawn scene of a downlink with the traffic and the channel of one of the kinds.

    Identity, ports, control and power offsets of the cell stay, as do receiver and shadows.
    """
    kind = kinds[rng.integers(len(kinds))]
    first, last = kind.n_users
    cell = replace(
        scene.cell,
        load=float(rng.uniform(*kind.load)),
        n_users=int(rng.integers(first, last + 1)),
        user_groups=kind.user_groups,
        user_spread_db=kind.user_spread_db,
        burst_groups=kind.burst_groups,
        scheduler=kind.scheduler,
    )
    channel = replace(
        scene.channel,
        profile=kind.profiles[context],
        snr_db=float(rng.uniform(*kind.snr_db)),
        rician_k_db=float(rng.uniform(*kind.rician_k_db)),
        doppler_hz=scene.channel.doppler_hz * float(rng.uniform(*kind.speed)),
    )
    return replace(scene, cell=cell, channel=channel, neighbours=())

"""Simulated recordings: what observers hear who stand, walk or drive."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from converter.simulate.mixture import Mixture, vary
from edgespec.errors import UsageError
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    ReceiverConfig,
    SceneConfig,
)

__all__ = [
    "CONTEXTS",
    "RecordingSpec",
    "check_amount",
    "check_names",
    "draw_scene",
    "training_specs",
]


@dataclass(frozen=True, slots=True)
class RecordingSpec:
    """One recording to be made; equal specs give equal files."""

    name: str
    scene: SceneConfig
    seed: int
    duration_s: float
    center_freq_hz: float = 0.0
    context: str = ""

    @property
    def n_samples(self) -> int:
        """Samples of the recording."""
        return round(self.duration_s * self.scene.sample_rate_hz)


@dataclass(frozen=True, slots=True)
class _Context:
    """How an observer moves: largest Doppler shift, direct path and profiles it meets."""

    doppler_hz: tuple[float, float]
    rician_k_db: tuple[float, float] | None
    profiles: tuple[str, ...]


#: Standing, 3 mph and 25 mph at carriers of 0.7 to 2.6 GHz (Li et al. 2019, sec. 5.1).
CONTEXTS: dict[str, _Context] = {
    "static": _Context((0.0, 0.0), (6.0, 15.0), ("epa", "eva")),
    "walk": _Context((3.0, 12.0), (0.0, 10.0), ("epa", "eva")),
    "drive": _Context((26.0, 97.0), None, ("eva",)),
}


def training_specs(
    n_observers: int,
    duration_s: float,
    sample_rate_hz: float,
    seed: int,
    receiver: ReceiverConfig | None = None,
    mixture: Mixture | None = None,
) -> list[RecordingSpec]:
    """Return what ``n_observers`` hear without any interferer, one recording each.

    Static, walking and driving observers take turns, so any number of them is a mixture. Each
    has its own cell (identity, load, users, ports, scheduler), SNR of 5 to 30 dB, channel profile
    and level. A ``mixture`` adds to that what its shares say; None adds nothing.

    Raises:
        UsageError: there is nothing to record.
    """
    check_amount(n_observers, duration_s)
    rng = np.random.default_rng(seed)
    specs = []
    for i in range(n_observers):
        context = tuple(CONTEXTS)[i % len(CONTEXTS)]
        scene = draw_scene(context, sample_rate_hz, receiver or ReceiverConfig(), rng)
        name = f"sim-{context}-{i:03d}"
        scene_seed = int(rng.integers(2**31))
        if mixture is not None:
            # Draws of its own: the plain ones are the same with any mixture.
            scene = vary(scene, context, mixture, np.random.default_rng((seed, i)))
        specs.append(RecordingSpec(name, scene, scene_seed, duration_s, context=context))
    return specs


def check_names(specs: Sequence[RecordingSpec]) -> None:
    """Raise a UsageError where two recordings have one name."""
    names = [spec.name for spec in specs]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise UsageError(f"two recordings are named {doubled[0]!r}; give each its own name")


def check_amount(n_observers: int, duration_s: float) -> None:
    """Raise a UsageError where there is nothing to record."""
    if n_observers < 1 or not duration_s > 0:
        raise UsageError(
            f"{n_observers} observers of {duration_s:g} s record nothing; take at least 1 and a "
            "positive duration"
        )


def draw_scene(
    name: str, sample_rate_hz: float, receiver: ReceiverConfig, rng: np.random.Generator
) -> SceneConfig:
    """Return what an observer of a context hears, plainly: its own cell, channel and level."""
    context = CONTEXTS[name]
    cell = CellConfig(
        pci=int(rng.integers(504)),
        load=float(rng.uniform(0.05, 0.95)),
        n_users=int(rng.integers(2, 20)),
        n_ports=int(rng.integers(1, 3)),
        scheduler=str(rng.choice(["proportional-fair", "round-robin"])),
        user_spread_db=float(rng.uniform(0.0, 2.5)),
    )
    k_db = None if context.rician_k_db is None else float(rng.uniform(*context.rician_k_db))
    channel = ChannelConfig(
        profile=str(rng.choice(context.profiles)),
        doppler_hz=float(rng.uniform(*context.doppler_hz)),
        rician_k_db=k_db,
        snr_db=float(rng.uniform(5.0, 30.0)),
        cfo_hz=float(rng.uniform(-500.0, 500.0)),
    )
    level_dbfs = receiver.level_dbfs + float(rng.uniform(-6.0, 3.0))
    return SceneConfig(sample_rate_hz, cell, channel, replace(receiver, level_dbfs=level_dbfs))

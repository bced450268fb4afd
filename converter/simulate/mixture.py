"""How observers differ: the ranges that a mixture of training recordings is drawn from."""

from dataclasses import dataclass, replace

import numpy as np

from edgespec.errors import UsageError
from edgespec.records import SampleFormat
from edgespec.simulate.bands import BANDS
from edgespec.simulate.cells import CELLS, DAY_CURVE
from edgespec.simulate.config import (
    CellConfig,
    NeighbourConfig,
    SceneConfig,
    UplinkConfig,
)

__all__ = ["MIXTURES", "Mixture", "choose_mixture", "vary"]

#: Distance after which shadows are forgotten (Gudmundson 1991).
_DECORRELATION_M = 50.0
_SPEED_M_S = {"static": 0.0, "walk": 1.34, "drive": 11.2}


@dataclass(frozen=True, slots=True)
class Mixture:
    """What observers have beside the plain draws of cell, channel and level.

    ``direction`` is ``dl`` or ``ul``. ``cells`` and ``bands`` name those to take in turn at
    random; without cells each observer has one of its own, and without bands the Doppler shifts
    are those of carriers of 0.7 to 2.6 GHz. The shares are probabilities per observer: of a
    neighbour at -15 to -3 dB, of shadowing, of a day's load curve at a random hour, of traffic
    that keeps its place in the band, of DC and IQ imbalance, of a receiver with automatic gain.
    ``adc_bits`` are converters to draw from; empty keeps that of the receiver.
    """

    direction: str = "dl"
    cells: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()
    snr_db: tuple[float, float] = (5.0, 30.0)
    neighbour_share: float = 0.0
    shadow_share: float = 0.0
    day_share: float = 0.0
    steady_share: float = 0.0
    defect_share: float = 0.0
    agc_share: float = 0.0
    adc_bits: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.direction not in ("dl", "ul"):
            raise UsageError(f"the direction is {self.direction!r}; known are dl, ul")
        for names, known in ((self.cells, CELLS), (self.bands, BANDS)):
            wrong = [name for name in names if name not in known]
            if wrong:
                raise UsageError(f"{wrong[0]!r} is not known; known are {', '.join(known)}")


#: Mixtures by name. ``plain`` is what the shipped model was trained on.
MIXTURES: dict[str, Mixture] = {
    "plain": Mixture(),
    "varied": Mixture(
        neighbour_share=0.3,
        shadow_share=0.7,
        day_share=0.3,
        steady_share=0.5,
        defect_share=0.5,
        bands=tuple(BANDS),
        adc_bits=(8, 12, 14),
    ),
    "uplink": Mixture(
        direction="ul",
        defect_share=0.5,
        bands=tuple(BANDS),
        adc_bits=(8, 12, 14),
    ),
}


def choose_mixture(name: str, direction: str | None = None) -> Mixture | None:
    """Return a mixture by its name, in a direction; None for the plain downlink.

    Raises:
        UsageError: the name is unknown.
    """
    if name not in MIXTURES:
        raise UsageError(f"the mixture is {name!r}; known are {', '.join(MIXTURES)}")
    mixture = MIXTURES[name]
    mixture = replace(mixture, direction=direction or mixture.direction)
    return None if mixture == Mixture() else mixture


_FORMAT_OF_BITS = {8: SampleFormat.CU8, 12: SampleFormat.CI16, 14: SampleFormat.CI16}


def vary(
    scene: SceneConfig, context: str, mixture: Mixture, rng: np.random.Generator
) -> SceneConfig:
    """Return a plainly drawn scene with what the mixture adds for an observer of ``context``."""
    snr_db = float(rng.uniform(*mixture.snr_db))
    scene = replace(scene, channel=replace(scene.channel, snr_db=snr_db))
    if mixture.cells:
        scene = replace(scene, cell=CELLS[str(rng.choice(mixture.cells))])
    scene = _in_band(scene, context, mixture, rng)
    if mixture.direction == "ul":
        users = UplinkConfig(
            n_users=int(rng.integers(5, 41)),
            load=scene.cell.load,
            gain_sigma_db=float(rng.uniform(10.0, 15.0)),
        )
        scene = replace(scene, uplink=users)
    else:
        scene = _in_cell(scene, mixture, rng)
    return _received(scene, mixture, rng)


def _in_band(
    scene: SceneConfig, context: str, mixture: Mixture, rng: np.random.Generator
) -> SceneConfig:
    channel, speed_m_s = scene.channel, _SPEED_M_S.get(context, 0.0)
    shadow_db = float(rng.uniform(6.0, 8.0))
    if mixture.bands:
        band = BANDS[str(rng.choice(mixture.bands))]
        channel = replace(channel, doppler_hz=band.doppler_hz(speed_m_s))
        shadow_db = band.shadow_db
        if not mixture.cells:
            cell = replace(scene.cell, n_ports=band.n_ports, scheduler=band.scheduler)
            scene = replace(scene, cell=cell)
    if speed_m_s and rng.random() < mixture.shadow_share:
        shadow_s = _DECORRELATION_M / speed_m_s
        channel = replace(channel, shadow_db=shadow_db, shadow_s=shadow_s)
    return replace(scene, channel=channel)


def _in_cell(scene: SceneConfig, mixture: Mixture, rng: np.random.Generator) -> SceneConfig:
    cell = scene.cell
    if rng.random() < mixture.steady_share:
        cell = replace(cell, user_groups=int(rng.integers(1, 7)))
    if rng.random() < mixture.day_share:
        cell = replace(cell, load_curve=DAY_CURVE, clock_s=float(rng.uniform(0, 86_400)))
    neighbours: tuple[NeighbourConfig, ...] = ()
    if rng.random() < mixture.neighbour_share:
        other = CellConfig(pci=int(rng.integers(504)), load=float(rng.uniform(0.05, 0.95)))
        level_db = float(rng.uniform(-15.0, -3.0))
        delay_s = float(rng.uniform(0.0, 0.01))
        neighbours = (NeighbourConfig(other, level_db, delay_s, scene.channel),)
    return replace(scene, cell=cell, neighbours=neighbours)


def _received(scene: SceneConfig, mixture: Mixture, rng: np.random.Generator) -> SceneConfig:
    receiver = scene.receiver
    if mixture.adc_bits:
        bits = int(rng.choice(mixture.adc_bits))
        sample_format = _FORMAT_OF_BITS.get(bits, receiver.sample_format)
        receiver = replace(receiver, sample_format=sample_format, adc_bits=bits)
    if rng.random() < mixture.defect_share:
        amplitude = 10.0 ** (receiver.level_dbfs / 20.0)
        receiver = replace(
            receiver,
            dc=complex(amplitude * 0.1 * (rng.normal() + 1j * rng.normal())),
            gain_imbalance_db=float(rng.uniform(-0.5, 0.5)),
            phase_imbalance_deg=float(rng.uniform(-3.0, 3.0)),
        )
    if rng.random() < mixture.agc_share:
        receiver = replace(receiver, agc_every_s=float(rng.uniform(0.5, 5.0)))
    return replace(scene, receiver=receiver)

"""Observers that are alike: on what band, in which cell, how they move, and when."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from converter.simulate.contamination import contaminate
from converter.simulate.mixture import MIXTURES, vary
from converter.simulate.settings import SETTINGS, settle
from converter.simulate.specs import CONTEXTS, RecordingSpec, check_amount, draw_scene
from edgespec.errors import UsageError
from edgespec.simulate.bands import BANDS
from edgespec.simulate.cells import CELLS, DAY_CURVE
from edgespec.simulate.config import SERVICE_NAMES, ReceiverConfig, SceneConfig

__all__ = ["Population"]

_MIXTURES = {"dl": MIXTURES["varied"], "ul": MIXTURES["uplink"]}
#: Probability that users keep their place in the band.
_STEADY_SHARE = {"bursty": 0.0, "steady": 1.0, "varied": 0.5}


@dataclass(frozen=True, slots=True)
class Population:
    """What the observers of a population have in common; all else is drawn for each of them.

    ``direction`` is ``dl`` or ``ul``. ``band`` is a name of
    :data:`edgespec.simulate.bands.BANDS`, empty for any of them; ``cells`` names of
    :data:`edgespec.simulate.cells.CELLS`, taken in turn, empty for a cell of each observer's own.
    ``contexts`` take turns, and every one of them meets every cell. With a ``place`` every
    observer stands at that one place: level, SNR, cell, channel profile and receiver are drawn by
    its number alone, and there is one context. ``hours`` is the time of day that is drawn from,
    such as (18, 20), or (22, 26) over midnight; None has no daily curve. ``traffic`` is ``bursty``,
    ``steady`` or ``varied`` (one or the other, by chance); that of an uplink is as it is, and
    ``varied`` leaves it so. ``contamination`` is the share of the time in which an interferer is on
    the air, in the train and validation splits only: a poisoned data set. ``setting`` is a name of
    :data:`converter.simulate.settings.SETTINGS`, whose traffic and channels are like those that
    somebody measured, in place of the usual ones; empty keeps these. ``service`` is one of
    :data:`edgespec.simulate.config.SERVICE_NAMES`, which is there in place of a cell.

    Raises:
        UsageError: a value is unknown, out of range, or does not go with another.
    """

    direction: str = "dl"
    band: str = "b5"
    cells: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ("static", "walk", "drive")
    place: int | None = None
    hours: tuple[float, float] | None = None
    traffic: str = "varied"
    contamination: float = 0.0
    contamination_isr_db: float = 0.0
    # Came later: where it is not given, the keys of tasks are what they were.
    setting: str = field(default="", metadata={"late": True})
    service: str = field(default="", metadata={"late": True})

    def __post_init__(self) -> None:
        _check_known("direction", [self.direction], _MIXTURES)
        _check_known("band", [self.band] if self.band else [], BANDS)
        _check_known("cell", self.cells, CELLS)
        _check_known("context", self.contexts, CONTEXTS)
        _check_known("traffic", [self.traffic], _STEADY_SHARE)
        _check_known("setting", [self.setting] if self.setting else [], SETTINGS)
        if not self.contexts:
            raise UsageError(f"a population needs a context; known are {', '.join(CONTEXTS)}")
        if self.direction == "ul" and self.traffic != "varied":
            raise UsageError(
                f"the traffic of an uplink is {self.traffic!r}, but it knows no kinds of traffic; "
                "leave it at 'varied'"
            )
        _check_known("service", [self.service] if self.service else [], SERVICE_NAMES)
        if self.service and (self.direction != "dl" or self.setting):
            raise UsageError(
                f"the service is {self.service!r} with the direction {self.direction!r} and the "
                f"setting {self.setting!r}; a band without a cell has neither: leave them out"
            )
        if self.setting and (self.direction != "dl" or self.traffic != "varied"):
            raise UsageError(
                f"the setting is {self.setting!r} with the direction {self.direction!r} and the "
                f"traffic {self.traffic!r}; a setting has traffic of its own, on a downlink: leave "
                "them at 'dl' and 'varied'"
            )
        if self.place is not None and (self.place < 0 or len(self.contexts) > 1):
            raise UsageError(
                f"the place is {self.place} with the contexts {', '.join(self.contexts)}; a place "
                "is a number from 0 and takes one context, such as static"
            )
        if self.hours is not None and not 0 <= self.hours[0] < self.hours[1] <= 48:
            raise UsageError(
                f"the hours are {self.hours[0]:g} to {self.hours[1]:g}; they must grow, from 0 to "
                "24, or to 48 over midnight"
            )
        if not 0.0 <= self.contamination <= 1.0:
            raise UsageError(
                f"contamination is {self.contamination:g}; it is a share of the time, 0 to 1"
            )

    def specs(
        self, n_observers: int, duration_s: float, sample_rate_hz: float, seed: int
    ) -> list[RecordingSpec]:
        """Return what ``n_observers`` hear, without contamination.

        Each is drawn by ``seed`` and its number, so more observers begin with the same ones.

        Raises:
            UsageError: there is nothing to record.
        """
        check_amount(n_observers, duration_s)
        return [self._spec(i, duration_s, sample_rate_hz, seed) for i in range(n_observers)]

    def contaminated(self, specs: Sequence[RecordingSpec], seed: int) -> list[RecordingSpec]:
        """Return the recordings with interferers for the share of contamination, at IQ."""
        return [
            contaminate(spec, self.contamination, self.contamination_isr_db, (seed, i))
            for i, spec in enumerate(specs)
        ]

    def _spec(
        self, number: int, duration_s: float, sample_rate_hz: float, seed: int
    ) -> RecordingSpec:
        rng = np.random.default_rng((seed, number))
        context = self.contexts[number % len(self.contexts)]
        scene_seed = int(rng.integers(2**31))
        clock_s = 3600.0 * float(rng.uniform(*self.hours)) if self.hours is not None else None
        if self.place is not None:
            rng = np.random.default_rng(self.place)
        scene = self._scene(number, context, sample_rate_hz, rng)
        if clock_s is not None:
            scene = _at_time(scene, clock_s)
        return RecordingSpec(
            f"{context}-{number:03d}",
            scene,
            scene_seed,
            duration_s,
            BANDS[self.band].carrier_hz if self.band else 0.0,
            context,
        )

    def _scene(
        self, number: int, context: str, sample_rate_hz: float, rng: np.random.Generator
    ) -> SceneConfig:
        turn = number // len(self.contexts) if self.place is None else self.place
        mixture = replace(
            _MIXTURES[self.direction],
            bands=(self.band,) if self.band else tuple(BANDS),
            cells=(self.cells[turn % len(self.cells)],) if self.cells else (),
            # Decided here, so that steady and bursty hold for cells that have a name as well.
            steady_share=0.0,
            day_share=0.0,
        )
        scene = vary(
            draw_scene(context, sample_rate_hz, ReceiverConfig(), rng), context, mixture, rng
        )
        if self.service:
            return replace(scene, service=self.service, neighbours=())
        if self.setting:
            return settle(scene, context, SETTINGS[self.setting], rng)
        is_steady = rng.random() < _STEADY_SHARE[self.traffic]
        user_groups = int(rng.integers(1, 7)) if is_steady else 0
        return replace(scene, cell=replace(scene.cell, user_groups=user_groups))


def _at_time(scene: SceneConfig, clock_s: float) -> SceneConfig:
    """Return the scene from a time of day on; an uplink keeps the load of that hour."""
    if scene.uplink is not None:
        factor = DAY_CURVE[int(clock_s / 3600.0) % len(DAY_CURVE)]
        load = min(1.0, scene.uplink.load * factor)
        return replace(scene, uplink=replace(scene.uplink, load=load))
    return replace(scene, cell=replace(scene.cell, load_curve=DAY_CURVE, clock_s=clock_s))


def _check_known(what: str, names: Sequence[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"the {what} is {name!r}; known are {', '.join(known)}")

"""A band follows what is installed for it while it runs, and goes back where that was a mistake.

The switch loses no sample: the new model learns what is normal beside the one in force, as in a
cell that is entered, and takes its place between two segments; so it does in a swept band, where
the whole chain is exchanged.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Event as Flag
from threading import Thread

from edgespec.clock import ClockQuality, UtcWatch
from edgespec.config import Config
from edgespec.errors import EdgespecError
from edgespec.kinds import MODEL_TAKEN_BACK
from edgespec.observer.band import BandChain
from edgespec.observer.board_events import BoardEvents
from edgespec.observer.models.exchange import Exchange, Usual, of_samples, of_sweeps
from edgespec.observer.models.model_trial import TRIAL_S, ModelTrial
from edgespec.observer.models.trial_watch import TrialWatch, keeper_of, open_trial_watch
from edgespec.observer.monitor import Radio
from edgespec.observer.radio_opening import open_basis
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.swept.succession import Succession
from edgespec.observer.swept.swept_opening import SweptBand
from edgespec.observer.swept.swept_site import watch_site
from edgespec.records import Event, SourceInfo
from edgespec.updates.installed import Installed
from edgespec.updates.store import ModelStore

__all__ = ["BandModel", "ModelSwitch", "installed_ids", "open_switch"]

_LOG = logging.getLogger(__name__)
_POLL_S, _LOOK_S, _CLOSE_S = 2.0, 1.0, 10.0
#: What the store is told begins so; such a switch is not judged again.
_TAKEN_BACK = "taken back by itself: "


class BandModel:
    """The installed model of a band: exchanged where another one is, and judged.

    ``poll`` is called by a thread that may wait for a disk, ``look`` and ``finish`` by the worker
    of the band, which may not.

    Args:
        chain: of the band.
        store: says what is installed.
        exchange: opens what the band is judged by, by what the store says, and exchanges it.
        watch_trial: counts the events of a model that is on trial.
        quality: returns how good UTC is.
        begun_with: id of what was installed when the band's model was opened.

    Attributes:
        on_candidate: told the id of the model that is to be tried, None for none any more.
    """

    def __init__(
        self,
        chain: BandChain,
        store: ModelStore,
        exchange: Exchange,
        watch_trial: Callable[[BandChain], TrialWatch],
        quality: Callable[[], ClockQuality] = lambda: ClockQuality.UNSYNCHRONISED,
        begun_with: str | None = None,
    ) -> None:
        self.band = chain.info.band
        self._chain, self._store, self._exchange = chain, store, exchange
        self._watch_trial = watch_trial
        self._pending: Usual | None = None
        # The model whose switch is awaited, and whether it is judged from there.
        self._awaited: tuple[str | None, bool] | None = None
        self._trial: ModelTrial | None = None
        # Why which model is to be taken back.
        self._verdict: tuple[str, str | None] | None = None
        self._told = ""
        self._next_s = 0.0
        # What is usual, and what was before it, with its id in the store.
        self._usual = exchange.begun
        self._earlier: tuple[str | None, Usual] | None = None
        self._why = self._problem = ""
        self._candidate: str | None = None
        self.on_candidate: Callable[[str | None], None] = lambda sha256: None
        self._events = BoardEvents(
            self._take_told, quality=quality, kind_of=lambda why: MODEL_TAKEN_BACK
        )
        installed = self._installed()
        self._asked = self._runs = begun_with
        if installed is not None and installed.current == chain.info.model_sha256:
            self._asked = self._runs = installed.current
            self._awaited = self._asked, _is_judged(installed)

    @property
    def succession(self) -> Succession | None:
        """Exchanges the chain of a swept band; None in a band of samples."""
        return self._exchange.succession

    @property
    def note(self) -> str:
        """Why the band runs the model that it runs, '' where nothing is installed."""
        return self._problem or self._why

    def poll(self) -> None:
        """Take a model back that broke its promise, and open one that was installed."""
        verdict, self._verdict = self._verdict, None
        if verdict is not None:
            self._take_back(*verdict)
        installed = self._installed()
        candidate = None if installed is None else installed.candidate
        if candidate != self._candidate:
            self._candidate = candidate
            self.on_candidate(candidate)
        if installed is None or installed.current == self._asked:
            return
        self._asked = installed.current
        try:
            usual = self._opened(installed.current)
        except EdgespecError as error:
            said = "band %s: the model that was installed is not used: %.300s; the band goes on"
            _LOG.error(said, self.band, error)
            self._problem = f"not used: {error}"
            return
        self._problem = ""
        self._awaited = usual.sha256, _is_judged(installed)
        self._pending = usual

    def look(self, chain: BandChain, sample: int) -> list[Event]:
        """Exchange the model where one waits, judge it, and return what there is to say.

        Args:
            chain: of the band.
            sample: so many were heard.
        """
        pending, self._pending, self._chain = self._pending, None, chain
        if pending is not None:
            pending.take(chain)
            self._trial = None
        self._await(chain)
        now_s = time.monotonic()
        if self._trial is not None and now_s >= self._next_s:
            self._next_s = now_s + _LOOK_S
            self._judge(self._trial, chain)
        return self._events.look(chain, sample)

    def finish(self, chain: BandChain, sample: int) -> list[Event]:
        """Return the ends of what goes on."""
        return self._events.finish(chain, sample)

    def _await(self, chain: BandChain) -> None:
        """Begin to judge the model that is awaited, once it is in force and warm."""
        if self._awaited is None:
            return
        model_sha256, is_judged = self._awaited
        if chain.info.model_sha256 != model_sha256 or not chain.scorer.is_warm:
            return
        self._awaited = None
        keeper = keeper_of(chain)
        if keeper is not None:
            keeper.forget()
        chain.keep_to(keeper)
        if is_judged:
            watch = self._watch_trial(chain)
            chain.keep_to(watch)
            self._trial = ModelTrial(chain, watch)

    def _judge(self, trial: ModelTrial, chain: BandChain) -> None:
        why = trial.broken(chain)
        if why:
            said = "band %s: the model %s is taken back: %s"
            _LOG.error(said, self.band, chain.info.model, why)
            self._told = why
            self._verdict = why, chain.info.model_sha256
        if why or trial.is_over(chain):
            self._trial = None
            chain.keep_to(keeper_of(chain))

    def _take_told(self) -> tuple[str, ...]:
        told, self._told = self._told, ""
        return (told,) if told else ()

    def _take_back(self, why: str, judged: str | None) -> None:
        installed = self._installed()
        if installed is not None and installed.current != judged:
            _LOG.info("band %s: another model was installed by then, and is left alone", self.band)
            return
        try:
            self._store.roll_back(self.band, f"{_TAKEN_BACK}{why}", judged=judged)
        except EdgespecError as error:
            # What cannot be written down is done all the same, until the next start.
            _LOG.error("band %s: %.300s", self.band, error)
            self._problem = f"{_TAKEN_BACK}{why}"
            if self._earlier is not None:
                self._pending = self._earlier[1]
                self._awaited = self._pending.sha256, False

    def _opened(self, sha256: str | None) -> Usual:
        """Return what the band is to be judged by: the one before as it is, or one opened now.

        Raises:
            EdgespecError: it cannot be used, or not before the next start.
        """
        chain, earlier = self._chain, self._earlier
        if earlier is not None and earlier[0] == sha256 and earlier[1].is_of(chain):
            usual = earlier[1]
        else:
            usual = self._exchange.open(chain)
        self._earlier, self._usual = (self._runs, self._usual), usual
        self._runs = sha256
        return usual

    def _installed(self) -> Installed | None:
        try:
            installed = self._store.installed(self.band)
        except EdgespecError as error:
            self._problem = str(error)
            return None
        self._why = "" if installed is None else installed.why
        return installed


def installed_ids(config: Config) -> dict[str, str | None]:
    """Return the ids of the models that are installed in the bands; None for none that is known."""
    store, found = ModelStore(config.node.state_dir), dict[str, str | None]()
    for band in config.band:
        with contextlib.suppress(EdgespecError):
            found[band.id] = (store.installed(band.id) or Installed()).current
    return found


def open_switch(
    config: Config, radios: Sequence[Radio], begun_with: Mapping[str, str | None]
) -> "ModelSwitch":
    """Return what lets bands follow what is installed: live ones that name no model.

    Args:
        config: of the observer.
        radios: of its bands.
        begun_with: ids of what was :func:`installed_ids` before their models were opened.
    """
    store, quality = ModelStore(config.node.state_dir), UtcWatch().quality
    followed = {band.id for band in config.band if band.model is None}
    return ModelSwitch(
        [
            BandModel(
                chain,
                store,
                exchange,
                open_trial_watch(config, exchange.would_tell),
                quality,
                begun_with.get(chain.info.band),
            )
            for radio in radios
            for chain, info in ((chain, radio.source.info) for chain in radio.chains)
            if info.is_live and chain.info.band in followed
            for exchange in (_exchange_of(config, chain, info, store),)
        ]
    )


def _exchange_of(
    config: Config, chain: BandChain, source: SourceInfo, store: ModelStore
) -> Exchange:
    """Return how the model of a band is exchanged, by what is installed."""
    (view,) = (config.only(band) for band in config.band if band.id == chain.info.band)

    def opened() -> Basis:
        """Return what a band of samples is judged by, by what is installed now."""
        bundle = store.running(chain.info.band).bundle
        return open_basis(view, source, bundle, may_fall_back=False)

    def remade(now: BandChain) -> BandChain:
        """Return a chain that goes by what is installed now, for the sweeps of another one."""
        bundle = store.running(now.info.band).bundle
        return SweptBand(view, replace(source, grid=now.grid), bundle).open_beside()

    if chain.scales is not None:
        return of_samples(chain.scales, opened)
    quality = UtcWatch().quality
    return of_sweeps(Succession(lambda one: watch_site(one, view, source, quality)), chain, remade)


class ModelSwitch:
    """The installed models of all bands, looked after by a thread until it is closed.

    Args:
        bands: those that follow what is installed.

    Attributes:
        on_look: told each band once it was looked after.
        on_close: called at the end.
    """

    def __init__(self, bands: Sequence[BandModel]) -> None:
        self.on_look: Callable[[str], None] = lambda band: None
        self.on_close: Callable[[], None] = lambda: None
        self._bands = {one.band: one for one in bands}
        self._stopping, self._said = Flag(), ""
        self._thread: Thread | None = None

    def begin(self) -> None:
        """Look at the store now and then, in a thread of its own."""
        if self._bands:
            self._thread = Thread(target=self._run, name="models", daemon=True)
            self._thread.start()

    @property
    def followed(self) -> tuple[BandModel, ...]:
        """The bands that follow what is installed."""
        return tuple(self._bands.values())

    def of(self, band: str) -> BandModel | None:
        """Return the model of a band; None where it follows nothing."""
        return self._bands.get(band)

    def note(self, band: str) -> str:
        """Return why a band runs the model that it runs, '' where nothing is installed."""
        one = self._bands.get(band)
        return "" if one is None else one.note

    def close(self) -> None:
        """End the thread."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(_CLOSE_S)
        self.on_close()

    def _run(self) -> None:
        while not self._stopping.wait(_POLL_S):
            for band in self._bands.values():
                try:
                    band.poll()
                    self.on_look(band.band)
                except Exception as error:
                    # Whatever it is, the band goes on with the model that it has.
                    said = f"band {band.band}: its model is not looked after: {error!r:.300}"
                    if said != self._said:
                        self._said = said
                        _LOG.error("%s", said)


def _is_judged(installed: Installed) -> bool:
    """Whether a model was installed so lately that it is still to be judged."""
    if installed.current is None or installed.why.startswith(_TAKEN_BACK):
        return False
    try:
        since_s = datetime.fromisoformat(installed.since_utc).timestamp()
    except ValueError:
        return True
    return time.time() - since_s < TRIAL_S

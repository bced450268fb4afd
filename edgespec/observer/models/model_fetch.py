"""Models that are offered at the broker are fetched in pieces, checked, and run in shadow.

It has a connection of its own, so that no event ever waits for a model. What is fetched already is
kept over a cut and over a restart.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Collection
from hashlib import sha256
from pathlib import Path
from threading import Event as Flag
from threading import Thread

from edgespec.door import brief
from edgespec.errors import ConfigError, EdgespecError, ModelError
from edgespec.inference.bundle import MAX_BUNDLE_BYTES
from edgespec.mqtt.keeper import LinkKeeper
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.newfile import keep_file
from edgespec.updates.incoming import Incoming
from edgespec.wire.model_offer import MAX_PIECE_BYTES, ModelOffer, parse_offer
from edgespec.wire.topics import ModelTopics

__all__ = ["ModelFetch"]

_LOG = logging.getLogger(__name__)
_STEP_S, _CLOSE_S = 0.5, 5.0
#: Pieces that are asked for at once: a broker lets few wait for one who hears.
_AT_ONCE = 16
#: Models that were no good, which are not fetched again.
_MOST_REFUSED = 16
#: So often the observer may end while it checks the same model, as by a power cut.
_MOST_CRASHES = 3
#: Until a model that is whole is looked at again, where the fault was not its own.
_AGAIN_S = 300.0


class _Band:
    """What is known of the offers to one band.

    Args:
        refused: keeps what was not taken.
        terms: what it was judged by beside its content: under other terms it is looked at again.
    """

    def __init__(self, refused: Path, terms: str) -> None:
        self._file, self._terms = refused, terms
        self._tries = refused.with_suffix(".tries")
        self.not_before_s = 0.0
        self.incoming: Incoming | None = None
        self.heard = ""
        self.problem = ""
        self.asked: set[str] = set()

    def may_try(self, content_sha256: str) -> bool:
        """Note that a content is about to be checked; return False where that ended us too often.

        What crashes a runtime would otherwise end the observer after every start.
        """
        try:
            name, n = self._tries.read_text(encoding="ascii").split()
            n_before = int(n) if name == content_sha256 else 0
        except (OSError, ValueError):
            n_before = 0
        if n_before >= _MOST_CRASHES:
            return False
        keep_file(self._tries, f"{content_sha256} {n_before + 1}".encode())
        return True

    def tried(self) -> None:
        """Note that the check has come to an end, whichever."""
        with contextlib.suppress(OSError):
            self._tries.unlink(missing_ok=True)

    def refused(self) -> dict[str, str]:
        """Return the contents that are not fetched again, and why."""
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return {}
        parts = (line.split(" ", 2) for line in lines)
        return {one[0]: one[2] for one in parts if len(one) == 3 and one[1] == self._mark}

    def refuse(self, content_sha256: str, why: str) -> None:
        """Remember a content that is not to be fetched again, where the disk takes it."""
        found = {content_sha256: brief(why, 300), **self.refused()}
        lines = [f"{name} {self._mark} {words}" for name, words in found.items()][:_MOST_REFUSED]
        try:
            keep_file(self._file, "\n".join(lines).encode())
        except OSError as error:
            _LOG.info("%s cannot be written: %s", self._file, error.strerror)

    @property
    def _mark(self) -> str:
        return sha256(self._terms.encode()).hexdigest()


class ModelFetch:
    """Hears offers and fetches them, in a thread of its own.

    Args:
        link: the broker, with a client id of its own.
        prefix: of all topics.
        reconnect_max_s: longest pause between two attempts to connect.
        bands: ids of the bands that take models.
        state_dir: keeps the pieces.
        is_wanted: returns whether a model, by band and id, is neither here nor refused before.
        take: checks a whole bundle and lets it run in shadow; raises ModelError for what is wrong
            with it, and ConfigError for what is wrong here.
        terms: what it checks by, in each band.
    """

    def __init__(
        self,
        link: Link,
        prefix: str,
        reconnect_max_s: float,
        bands: Collection[str],
        state_dir: Path,
        is_wanted: Callable[[str, str], bool],
        take: Callable[[ModelOffer, bytes], None],
        terms: Callable[[str], str] = lambda band: "",
    ) -> None:
        self._topics, self._state_dir = ModelTopics(prefix), state_dir
        folder = state_dir / "models" / "incoming"
        self._bands = {band: _Band(folder / f"{band}.refused", terms(band)) for band in bands}
        self._is_wanted, self._take = is_wanted, take
        # Of each topic what came last: whoever floods one fills no memory.
        self._heard: dict[str, bytes] = {}
        self._keeper = LinkKeeper(link, reconnect_max_s, self._opened, lambda: "")
        self._stopping = Flag()
        self._thread = Thread(target=self._run, name="models-fetch", daemon=True)

    def begin(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """End; what was fetched stays for the next start."""
        self._stopping.set()
        self._keeper.hurry()
        self._thread.join(_CLOSE_S)

    def progress(self, band: str) -> dict[str, object] | None:
        """Return which model is being fetched for a band, and how far; None for none."""
        one = self._bands.get(band)
        incoming = None if one is None else one.incoming
        if incoming is None:
            return None
        n_pieces = len(incoming.offer.pieces)
        return {
            "name": incoming.offer.name,
            "model_sha256": incoming.offer.model_sha256,
            "n_pieces": n_pieces,
            "n_fetched": n_pieces - len(incoming.missing),
        }

    def problem(self, band: str) -> str:
        """Return why the last offer to a band was not taken, or is not whole; '' where it is."""
        one = self._bands.get(band)
        if one is None:
            return ""
        refusal = str(self._keeper.failure) if self._keeper.is_refused else ""
        return one.problem or refusal

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._keeper.step(_STEP_S)
            self._keeper.work(self._work)
        self._keeper.close(lambda session: None)

    def _opened(self, session: Session) -> None:
        """Ask for offers on a new connection; pieces are asked for again."""
        self._heard.clear()
        for band in self._bands.values():
            band.asked.clear()
        session.listen(self._hear)
        session.ask([self._topics.offer(band) for band in self._bands], qos=1)

    def _hear(self, topic: str, payload: bytes) -> None:
        if len(payload) <= MAX_PIECE_BYTES:
            self._heard[topic] = payload
            return
        said = "%s: %d bytes are left out; neither an offer nor a piece has more than %d"
        _LOG.warning(said, topic, len(payload), MAX_PIECE_BYTES)

    def _work(self, session: Session) -> None:
        heard, self._heard = self._heard, {}
        for topic, payload in heard.items():
            band, content_sha256, number = self._topics.part_of(topic)
            one = self._bands.get(band)
            if one is None:
                continue
            try:
                if number is None:
                    self._offered(band, one, payload)
                else:
                    _take_piece(one, content_sha256, number, payload)
            except OSError as error:
                self._give_up(band, one, f"it cannot be kept ({error.strerror})")
            except EdgespecError as error:
                self._give_up(band, one, str(error))
        for band, one in self._bands.items():
            if one.incoming is not None:
                self._go_on(session, band, one, one.incoming)

    def _offered(self, band: str, one: _Band, payload: bytes) -> None:
        """Begin to fetch what is offered, where it is wanted."""
        mark = sha256(payload).hexdigest()
        if mark == one.heard and one.incoming is not None:
            return
        one.heard, one.not_before_s = mark, 0.0
        one.incoming, one.problem = None, ""
        if not payload:
            return
        try:
            offer = parse_offer(payload, MAX_BUNDLE_BYTES)
        except EdgespecError as error:
            self._give_up(band, one, f"the offer cannot be read: {error}")
            return
        if offer.band != band:
            self._give_up(band, one, f"the offer is for the band {offer.band!r}")
        elif (why := one.refused().get(offer.content_sha256)) is not None:
            said = f"{offer.name} {offer.model_sha256[:12]} was not taken before"
            one.problem = f"{said}: {why}"
        elif self._is_wanted(band, offer.model_sha256):
            one.incoming = Incoming(self._state_dir, offer)
            said = "band %s: the model %s is fetched, %d bytes in %d pieces, of which %d are here"
            n_pieces = len(offer.pieces)
            n_here = n_pieces - len(one.incoming.missing)
            _LOG.info(said, band, offer.name, offer.n_bytes, n_pieces, n_here)

    def _go_on(self, session: Session, band: str, one: _Band, incoming: Incoming) -> None:
        """Ask for the next pieces, or take the model that is whole."""
        offer = incoming.offer
        if not incoming.missing and time.monotonic() >= one.not_before_s:
            self._finish(band, one, incoming)
        wanted: set[str] = set()
        if one.incoming is not None:
            next_ones = incoming.missing[:_AT_ONCE]
            wanted = {self._topics.piece(band, offer.content_sha256, n) for n in next_ones}
        session.leave(sorted(one.asked - wanted))
        session.ask(sorted(wanted - one.asked), qos=1)
        one.asked = wanted

    def _finish(self, band: str, one: _Band, incoming: Incoming) -> None:
        offer = incoming.offer
        try:
            content = incoming.content()
            if content is None:
                return
            if not one.may_try(offer.content_sha256):
                raise ModelError(
                    f"the observer ended {_MOST_CRASHES} times while it was checked: try it by "
                    "hand with `edgespec model verify`"
                )
            self._take(offer, content)
            one.problem = ""
            _LOG.info("band %s: the model %s is fetched, and runs in shadow", band, offer.name)
        except (ConfigError, OSError) as error:
            # A full disk, say, is not the model's fault: it stays, and is looked at again.
            one.not_before_s = time.monotonic() + _AGAIN_S
            words = error.strerror if isinstance(error, OSError) else error
            self._tell(band, one, f"{offer.name} is not taken for now: {words}")
            one.tried()
            return
        except Exception as error:
            # A runtime that was given a network of others may say whatever it likes.
            words = str(error) if isinstance(error, EdgespecError) else repr(error)
            one.refuse(offer.content_sha256, words)
            self._tell(band, one, f"{offer.name} is not taken: {words}")
        one.tried()
        incoming.forget()
        one.incoming = None

    def _tell(self, band: str, one: _Band, words: str) -> None:
        one.problem = words
        _LOG.warning("band %s: a model that was offered: %.400s", band, words)

    def _give_up(self, band: str, one: _Band, words: str) -> None:
        one.incoming, one.problem = None, words
        _LOG.warning("band %s: a model is offered at the broker: %.400s", band, words)


def _take_piece(one: _Band, content_sha256: str, number: int, payload: bytes) -> None:
    incoming = one.incoming
    if incoming is None or incoming.offer.content_sha256 != content_sha256:
        return
    if number >= len(incoming.offer.pieces) or not payload:
        return
    if not incoming.take(number, payload):
        one.problem = f"piece {number} of {incoming.offer.name} is not the one that is offered"
        _LOG.warning("%s: it is waited for the right one", one.problem)

"""Models offered at a real mosquitto: whole, in wrong pieces, cut off, and not wanted."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgespec.config import MqttConfig
from edgespec.errors import ConfigError, EdgespecError, ModelError
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.observer.models import model_fetch
from edgespec.observer.models.model_fetch import ModelFetch
from edgespec.ops.publish import publish
from edgespec.wire.model_offer import ModelOffer, encode_offer, offer_of
from edgespec.wire.topics import ModelTopics
from tests.made.broker import Broker, wait_for

CONTENT = bytes(range(256)) * 20
OFFER, PIECES = offer_of("b", "cell", "a" * 64, CONTENT, piece_bytes=200)
N = len(PIECES)


class Fetching:
    """One that fetches, restarted as often as a test likes."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self._settings, self.folder = MqttConfig(url=broker.url), folder
        self.taken: list[bytes] = []
        self.fault: EdgespecError | None = None
        self.terms = ""
        self.is_wanted: Callable[[str, str], bool] = lambda band, sha256: True
        self.fetch: ModelFetch | None = None

    def start(self) -> ModelFetch:
        self.stop()
        link = Link.of(self._settings, "edgespec-n-models")
        self.fetch = ModelFetch(
            link,
            "edgespec",
            1.0,
            ("b",),
            self.folder,
            self._is_wanted,
            self._take,
            lambda band: self.terms,
        )
        self.fetch.begin()
        return self.fetch

    def stop(self) -> None:
        if self.fetch is not None:
            self.fetch.close()
        self.fetch = None

    def put(self, pieces: dict[int, bytes], *, offers: bool = True) -> None:
        """Let the broker keep some pieces, and the offer."""
        topics = ModelTopics("edgespec")
        with Session(Link.of(self._settings, "edgespec-sender")) as session:
            for number, piece in pieces.items():
                topic = topics.piece("b", OFFER.content_sha256, number)
                session.publish(topic, piece, qos=1, retain=True)
            if offers:
                session.publish(topics.offer("b"), encode_offer(OFFER), qos=1, retain=True)
            while session.unacked:
                session.poll(None, 0.1)

    def publish(self, offer: ModelOffer = OFFER) -> None:
        publish(self._settings, offer, PIECES)

    def _is_wanted(self, band: str, sha256: str) -> bool:
        return self.is_wanted(band, sha256)

    def _take(self, offer: ModelOffer, content: bytes) -> None:
        self.taken.append(content)
        if self.fault is not None:
            raise self.fault

    @property
    def n_fetched(self) -> object:
        progress = None if self.fetch is None else self.fetch.progress("b")
        return None if progress is None else progress["n_fetched"]


@pytest.fixture
def fetching(broker: Broker, tmp_path: Path) -> Iterator[Fetching]:
    made = Fetching(broker, tmp_path)
    yield made
    made.stop()


def test_one_is_fetched_once_whether_it_was_there_before_or_comes(fetching: Fetching) -> None:
    fetch = fetching.start()
    fetching.publish()
    wait_for(lambda: bool(fetching.taken) and fetch.progress("b") is None, "the model")
    assert fetching.taken == [CONTENT]
    assert fetch.problem("b") == ""
    # Pieces are not kept for nothing, and one that is here is not wanted again.
    assert not [*(fetching.folder / "models" / "incoming").rglob("0*")]
    fetching.is_wanted = lambda band, sha256: False
    fetching.start()
    fetching.publish()
    other, other_pieces = offer_of("b", "other", "b" * 64, CONTENT[:500], piece_bytes=200)
    fetching.is_wanted = lambda band, sha256: sha256 == "b" * 64
    publish(fetching._settings, other, other_pieces)
    wait_for(lambda: len(fetching.taken) == 2, "the other model")
    assert fetching.taken[1] == CONTENT[:500]


def test_a_cut_costs_what_is_missing_alone(fetching: Fetching) -> None:
    """Half is there when the observer is ended; the rest comes to the next one."""
    fetching.put(dict(enumerate(PIECES[: N // 2])))
    fetching.start()
    wait_for(lambda: fetching.n_fetched == N // 2, "the first half")
    fetching.stop()
    assert fetching.taken == []
    # One is damaged on the disk meanwhile: it does not count.
    kept = sorted((fetching.folder / "models" / "incoming").rglob("0*"))
    kept[0].write_bytes(b"damaged")
    topics = ModelTopics("edgespec")
    with Session(Link.of(fetching._settings, "edgespec-sender")) as session:
        # What is here is not asked for: the broker has lost it, and nobody misses it.
        for number in range(1, N // 2):
            session.publish(topics.piece("b", OFFER.content_sha256, number), b"", 1, retain=True)
        while session.unacked:
            session.poll(None, 0.1)
    fetching.start()
    wait_for(lambda: fetching.n_fetched == N // 2, "what was there, and the one that was damaged")
    fetching.put({n: PIECES[n] for n in range(N // 2, N)}, offers=False)
    wait_for(lambda: fetching.taken == [CONTENT], "the model")


def test_a_wrong_piece_is_not_taken_and_the_right_one_is_waited_for(fetching: Fetching) -> None:
    wrong = {**dict(enumerate(PIECES)), 3: PIECES[2], 5: PIECES[5][:-1], 6: b"x" * 5000}
    fetching.put(wrong)
    fetch = fetching.start()
    wait_for(lambda: fetching.n_fetched == N - 3, "all others")
    assert "not the one that is offered" in fetch.problem("b")
    fetching.put({n: PIECES[n] for n in (3, 5, 6)}, offers=False)
    wait_for(lambda: fetching.taken == [CONTENT] and not fetch.problem("b"), "the model")


def test_one_that_is_no_good_is_not_fetched_again(fetching: Fetching) -> None:
    fetching.fault = ModelError("it is signed by nobody who is trusted")
    fetch = fetching.start()
    fetching.publish()
    wait_for(lambda: "nobody who is trusted" in fetch.problem("b"), "the refusal")
    fetch = fetching.start()
    wait_for(lambda: "was not taken before" in fetch.problem("b"), "the offer once more")
    assert "nobody who is trusted" in fetch.problem("b")
    assert fetching.taken == [CONTENT]
    # Whoever trusts another key now looks at it again.
    fetching.terms, fetching.fault = "another key", None
    fetching.start()
    wait_for(lambda: len(fetching.taken) == 2, "the model under other terms")


def test_what_is_no_fault_of_the_model_does_not_refuse_it(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_fetch, "_AGAIN_S", 0.1)
    fetching.fault = ConfigError("the disk is full")
    fetch = fetching.start()
    fetching.publish()
    wait_for(lambda: "for now: the disk is full" in fetch.problem("b"), "the fault")
    fetching.fault = None
    wait_for(lambda: fetch.progress("b") is None and not fetch.problem("b"), "the model")


def test_one_that_ends_the_observer_is_not_checked_for_ever(fetching: Fetching) -> None:
    """As one that crashes its runtime does, whoever has signed it; a power cut may do so once."""
    tries = fetching.folder / "models" / "incoming" / "b.tries"
    tries.parent.mkdir(parents=True)
    tries.write_text(f"{OFFER.content_sha256} 3")
    fetch = fetching.start()
    fetching.publish()
    wait_for(lambda: "ended 3 times" in fetch.problem("b"), "the refusal")
    assert fetching.taken == []
    assert not tries.exists()


def test_who_floods_fills_no_memory(fetching: Fetching) -> None:
    """Of a topic the last message counts; and nothing that is longer than a piece may be."""
    fetch = fetching.start()
    for n in range(1000):
        fetch._hear("edgespec/models/other", str(n).encode())
    fetch._hear("edgespec/models/another", bytes((1 << 20) + 1))
    assert len(fetch._heard) <= 1


def test_an_offer_that_cannot_be_is_said_and_costs_nothing(fetching: Fetching) -> None:
    fetch = fetching.start()
    topic = ModelTopics("edgespec").offer("b")
    with Session(Link.of(fetching._settings, "edgespec-sender")) as session:
        for data, said in (
            (encode_offer(OFFER)[:-9], "cannot be read"),
            (encode_offer(OFFER).replace(b'"band":"b"', b'"band":"c"'), "for the band 'c'"),
        ):
            session.publish(topic, data, qos=1, retain=True)
            while session.unacked:
                session.poll(None, 0.1)
            wait_for(lambda said=said: said in fetch.problem("b"), said)  # type: ignore[misc]
    assert fetch.progress("b") is None
    assert not (fetching.folder / "models" / "incoming" / "b").exists()


def test_a_disk_without_a_place_ends_the_fetching_alone(fetching: Fetching) -> None:
    folder = fetching.folder / "models"
    folder.write_text("no folder")
    fetch = fetching.start()
    fetching.publish()
    wait_for(lambda: "cannot be kept" in fetch.problem("b"), "the problem")
    folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    fetching.start()
    wait_for(lambda: fetching.taken == [CONTENT], "the model")


def test_a_store_that_cannot_be_read_ends_nothing(fetching: Fetching) -> None:
    def damaged(band: str, sha256: str) -> bool:
        raise ModelError("the pointer is damaged")

    fetching.is_wanted = damaged
    fetch = fetching.start()
    fetching.publish()
    wait_for(lambda: "the pointer is damaged" in fetch.problem("b"), "the problem")
    fetching.is_wanted = lambda band, sha256: True
    fetching.publish()
    wait_for(lambda: fetching.taken == [CONTENT], "the model, once it is mended")

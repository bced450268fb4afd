"""An announcement of a model: both directions, and what cannot be."""

import json

import pytest

from edgespec.wire.model_offer import MAX_PIECES, encode_offer, offer_of, parse_offer
from edgespec.wire.text import PayloadError

CONTENT = bytes(range(250)) * 10
OFFER, PIECES = offer_of("b", "cell", "a" * 64, CONTENT, 3, "2027-01-01T00:00:00Z", 1000)


def test_what_is_read_is_what_was_written() -> None:
    assert parse_offer(encode_offer(OFFER), len(CONTENT)) == OFFER
    assert b"".join(PIECES) == CONTENT
    assert (
        [OFFER.bytes_of(number) for number in range(3)] == [*map(len, PIECES)] == [1000, 1000, 500]
    )


def test_a_large_one_has_larger_pieces_not_more() -> None:
    offer, pieces = offer_of("b", "cell", "a" * 64, bytes(5000), piece_bytes=1)
    assert len(pieces) == len(offer.pieces) <= MAX_PIECES
    assert parse_offer(encode_offer(offer), 5000) == offer


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "edgespec.model/2"}, "edgespec.model/2"),
        ({"n_bytes": 0}, "n_bytes is 0"),
        ({"n_bytes": 2501}, "1 to 2500"),
        ({"n_bytes": 1500}, "there are 3 pieces"),
        ({"piece_bytes": 0}, "piece_bytes is 0"),
        ({"piece_bytes": 1 << 30}, "piece_bytes is"),
        ({"piece_bytes": 1}, "there are 3 pieces"),
        ({"pieces": ["../../etc/passwd"] * 3}, "no SHA-256"),
        ({"content_sha256": "A" * 64}, "no SHA-256"),
        ({"model_sha256": None}, "model_sha256"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], said: str) -> None:
    payload = {**json.loads(encode_offer(OFFER)), **change}
    with pytest.raises(PayloadError, match=said):
        parse_offer(json.dumps(payload).encode(), len(CONTENT))


def test_one_that_breaks_off_is_none() -> None:
    data = encode_offer(OFFER)
    for length in range(0, len(data), 37):
        with pytest.raises(PayloadError):
            parse_offer(data[:length], len(CONTENT))

"""Requests and responses: what is written can be read, and what is none is refused."""

import numpy as np
import pytest

from edgespec.wire.request import (
    COMMANDS,
    Request,
    Response,
    encode_request,
    encode_response,
    parse_request,
    parse_response,
)
from edgespec.wire.text import PayloadError


def test_requests_round_trip(rng: np.random.Generator) -> None:
    for _ in range(100):
        request = Request(
            str(rng.choice(COMMANDS)),
            transaction=["", "t-1"][int(rng.integers(2))],
            id=["", "i-1:2.3_x"][int(rng.integers(2))],
            band=[None, "lte"][int(rng.integers(2))],
            kind=[None, "tone"][int(rng.integers(2))],
            lower_hz=[None, -1e6][int(rng.integers(2))],
            upper_hz=[None, float(rng.uniform(0, 6e9))][int(rng.integers(2))],
            duration_s=[None, float(rng.uniform(1, 1e6))][int(rng.integers(2))],
            apply=[None, False, True][int(rng.integers(3))],
        )
        assert parse_request(request.command, encode_request(request)) == request


def test_an_empty_message_leaves_all_open_and_the_topic_is_the_command() -> None:
    assert parse_request("undo", b"") == parse_request("undo", b"{}") == Request("undo")
    # What a message says of it does not count.
    assert parse_request("undo", b'{"command": "normal"}') == Request("undo")
    with pytest.raises(PayloadError, match=r"'ack', 'mute', 'normal', 'undo', 'silenced'"):
        parse_request("delete", b"")


def test_responses_round_trip() -> None:
    for response in (Response("t", "", {"id": "x", "n": [1, None]}), Response("", "no")):
        assert parse_response(encode_response(response)) == response


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"schema": "edgespec.response/1"}', encode_request(Request("ack"))],
)
def test_what_is_no_response_is_refused(data: bytes) -> None:
    with pytest.raises(PayloadError):
        parse_response(data)

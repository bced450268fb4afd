"""Laws that hold for whatever is said, kept or asked for (F6, O3)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgespec.alarm.outbox.journal import Kind, Record, pack, pack_all, unpack
from edgespec.errors import ConfigError
from edgespec.mqtt.url import BrokerUrl
from edgespec.wire.text import PayloadError, decode, encode
from tests.edgespec.wire.test_bytes import SAYS
from tests.fuzz.messages import PARSERS

records = st.lists(
    st.builds(Record, st.sampled_from(Kind), st.integers(0, 2**64 - 1), st.binary(max_size=50)),
    max_size=8,
)
leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text()
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
#: Of JSON, without what it has no number for.
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(records, st.data())
def test_damage_to_a_journal_costs_what_it_touches(kept: list[Record], data: st.DataObject) -> None:
    whole = pack_all(kept)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    new = data.draw(st.binary(min_size=end - start, max_size=end - start))
    found = [one for one in unpack(whole[:start] + new + whole[end:]) if isinstance(one, Record)]
    at, untouched = 0, []
    for record in kept:
        size = len(pack(record))
        if at + size <= start or at >= end:
            untouched.append(record)
        at += size
    rest = iter(found)
    assert all(record in rest for record in untouched)


@given(st.dictionaries(st.text(max_size=8).filter(lambda key: key != "not_finite"), values))
def test_a_message_comes_back_as_it_was(payload: dict[str, Any]) -> None:
    again = decode(encode(payload))
    # JSON of Python says NaN and infinities, so that they can be compared.
    assert json.dumps(again, sort_keys=True) == json.dumps(payload, sort_keys=True)


# Two hand on what they were given; what a request cannot mean is refused, not left out.
@pytest.mark.parametrize("noun", sorted(PARSERS.keys() - {"replayed", "info", "request"}))
@given(key=st.text(max_size=10), value=plain)
def test_a_field_may_be_added_to_any_message(noun: str, key: str, value: Any) -> None:
    known = json.loads(SAYS[noun])
    more = json.dumps({**known, f"x-{key}": value}).encode()
    parsed, expected = PARSERS[noun](more), PARSERS[noun](SAYS[noun].encode())
    assert repr(parsed) == repr(expected)


@given(key=st.text(max_size=10), value=plain)
def test_a_request_with_a_field_that_is_none_is_refused(key: str, value: Any) -> None:
    """A slip in ``upper_hz`` must not silence all frequencies."""
    more = json.dumps({**json.loads(SAYS["request"]), f"x-{key}": value}).encode()
    with pytest.raises(PayloadError, match="no known key"):
        PARSERS["request"](more)


@given(st.text("abcXYZ019#/?[]@:%+ ü", min_size=8, max_size=20), st.sampled_from(["h", "h:1", ""]))
def test_a_password_is_never_shown(password: str, host: str) -> None:
    try:
        url = BrokerUrl.parse(f"mqtt://somebody:{password}@{host}")
    except ConfigError as error:
        shown = str(error)
    else:
        shown = f"{url} {url!r}"
    assert password not in shown

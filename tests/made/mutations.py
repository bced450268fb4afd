"""Damaged bytes and odd values for tests that throw them at a loader (F6)."""

import time
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from edgespec.door import MESSAGE_CHARS
from edgespec.errors import EdgespecError

#: Seconds that one call may take; measured, not a deadline: other processes run beside it.
PATIENCE_S = 20.0


def mutated(good: bytes) -> st.SearchStrategy[bytes]:
    """Bytes like ``good``: some changed, cut out, doubled, put in, or the end cut off."""
    place = st.integers(0, len(good))
    edit = st.one_of(
        st.tuples(st.just("set"), place, st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("put"), place, st.binary(min_size=1, max_size=40)),
        st.tuples(st.just("cut"), place, st.integers(1, 200)),
        st.tuples(st.just("double"), place, st.integers(1, 200)),
        st.tuples(st.just("end"), place, st.just(0)),
        st.tuples(st.just("flip"), place, st.integers(0, 7)),
        st.tuples(
            st.just("set"),
            place,
            st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff" * 8, b"\0" * 8]),
        ),
    )
    return st.lists(edit, min_size=1, max_size=6).map(lambda edits: _edited(good, edits))


def _edited(good: bytes, edits: list[tuple[str, int, Any]]) -> bytes:
    out = bytearray(good)
    for kind, place, what in edits:
        at = min(place, len(out))
        if kind == "set":
            out[at : at + len(what)] = what
        elif kind == "put":
            out[at:at] = what
        elif kind == "cut":
            del out[at : at + what]
        elif kind == "double":
            out[at:at] = out[at : at + what]
        elif kind == "end":
            del out[at:]
        elif at < len(out):
            out[at] ^= 1 << what
    return bytes(out)


def odd_values() -> st.SearchStrategy[Any]:
    """Values of JSON, the odd ones first; NaN and infinities are among them."""
    leaves = st.one_of(
        st.sampled_from(
            [None, True, False, 0, -1, 1.5, 1e400, -1e400, float("nan"), 1 << 63, 10**400, ""]
        ),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(["\ud800", "x" * 5000, "1" * 5000, "../x", "/", "\0", "1e400", "NaN"]),
    )
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=6,
    )


def check_door(call: Callable[[], object]) -> str:
    """Run a loader: it works, or says in one short sentence why not; return that, or nothing."""
    start_s = time.monotonic()
    try:
        call()
    except EdgespecError as error:
        message = str(error)
        assert 0 < len(message) <= MESSAGE_CHARS, message
        assert message.isprintable(), ascii(message)
    else:
        message = ""
    assert time.monotonic() - start_s < PATIENCE_S
    return message

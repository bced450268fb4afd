"""Inputs that are nearly good: the same seed gives the same inputs, on every machine.

Faster than hypothesis by far, which is what a million inputs need; it shrinks nothing.
"""

import random
import re
from collections.abc import Iterator, Sequence

__all__ = ["mutants"]

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_VALUE = re.compile(rb'"[^"\n]*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|nan|inf')
_INTEGERS = (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\xff" * 8)
_NUMBERS = (
    *(b"0", b"-1", b"1", b"2", b"1e999", b"-1e999", b"1e308", b"1e-320", b"NaN", b"nan", b"inf"),
    *(b"Infinity", b"0.5", b"-0.0", b"9223372036854775808", b"18446744073709551616", b"1e9"),
    *(b"4294967296", b"1" * 400, b"1" * 5000, b"9999-12-31", b"1_0", b"0x7fffffffffffffff"),
)
_VALUES = (
    *(b"null", b"true", b"false", b"[]", b"{}", b'""', b'"\\ud800"', b'"evil/#"', b"[[]]"),
    *(b'"' + b"x" * 5000 + b'"', b"[1, 2]", b'{"a": 1}', b'"nan"', b'"\\u0000"', b'"../x"'),
    *(b'"9999-12-31T23:59:59.999999Z"', b'"1970-01-01T00:00:00Z"', b"[null]", b'["a", 1]'),
)
_MAX_BYTES = 200_000
_DEEP = 20_000


def mutants(seeds: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Yield inputs without end: first the seeds, then what comes of changing them."""
    yield from seeds
    rng = random.Random(seed)
    texts = [_is_text(one) for one in seeds]
    while True:
        which = rng.randrange(len(seeds))
        data = bytearray(seeds[which])
        for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
            if texts[which] and rng.random() < 0.6:
                _change_text(data, rng)
            else:
                _change_bytes(data, rng, seeds)
        yield bytes(data[:_MAX_BYTES])


def _is_text(data: bytes) -> bool:
    try:
        return data.decode().isprintable() or b"\n" in data
    except UnicodeDecodeError:
        return False


def _change_text(data: bytearray, rng: random.Random) -> None:
    kind = rng.random()
    if kind < 0.02:
        at = rng.randint(0, len(data))
        data[at:at] = rng.choice((b"[", b'{"a":', b"{a=", b"a.")) * rng.randint(1, _DEEP)
        return
    if kind < 0.12:
        _change_line(data, rng)
        return
    is_number = kind < 0.5
    found = list((_NUMBER if is_number else _VALUE).finditer(bytes(data)))
    if found:
        start, end = rng.choice(found).span()
        data[start:end] = rng.choice(_NUMBERS if is_number else _NUMBERS + _VALUES)


def _change_line(data: bytearray, rng: random.Random) -> None:
    """Take a line out, or say it twice."""
    lines = bytes(data).split(b"\n")
    at = rng.randrange(len(lines))
    lines[at : at + 1] = rng.choice(([], [lines[at]] * 2, [rng.choice(lines)]))
    data[:] = b"\n".join(lines)


def _change_bytes(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    at = rng.randint(0, len(data))
    kind = rng.randrange(8)
    if kind == 0 and at < len(data):
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        new = rng.randbytes(rng.randint(1, 8))
        data[at : at + len(new)] = new
    elif kind == 2:
        new = rng.choice(_INTEGERS)
        data[at : at + len(new)] = new
    elif kind == 3:
        data[at:at] = rng.randbytes(rng.randint(1, 40))
    elif kind == 4:
        del data[at : at + rng.randint(1, 200)]
    elif kind == 5:
        data[at:at] = data[at : at + rng.randint(1, 200)]
    elif kind == 6:
        del data[at:]
    else:
        other = rng.choice(seeds)
        data[at:] = other[rng.randint(0, len(other)) :]

"""Messages as JSON, without a NaN that a consumer would choke on.

RFC 8259 has no NaN and no infinity. A number that is not finite becomes ``null``, and the
object's ``not_finite`` says where (a JSON pointer, RFC 6901) and what it was, so that nothing
is lost on the way.
"""

import json
import math
from typing import Any

import numpy as np

from edgespec.decode.depth import depth_of
from edgespec.decode.shown import shown
from edgespec.decode.text import parse_object
from edgespec.errors import EdgespecError

__all__ = ["MAX_PAYLOAD_BYTES", "PayloadError", "decode", "encode"]

#: No message is longer, and none is nested deeper.
MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
_MAX_DEPTH = 32

_NOT_FINITE = "not_finite"
_NAMES = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class PayloadError(EdgespecError):
    """A message that is not what its schema says."""


def encode(payload: dict[str, Any]) -> bytes:
    """Return compact UTF-8 JSON of an object, with ``null`` for what is not finite.

    Raises:
        PayloadError: a value has no JSON form.
    """
    reasons: dict[str, str] = {}
    clean = _without_nonfinite(payload, "", reasons)
    if reasons:
        clean[_NOT_FINITE] = reasons
    try:
        text = json.dumps(clean, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError) as error:
        raise PayloadError(
            f"a payload cannot be written as JSON ({error}): use text, numbers, lists and objects"
        ) from error


def decode(data: bytes | str, longest: int = MAX_PAYLOAD_BYTES) -> dict[str, Any]:
    """Return the object written by :func:`encode`, its non-finite numbers restored.

    Raises:
        PayloadError: longer than ``longest`` bytes, not UTF-8, not JSON, not an object, nested
            too deep, or NaN written out.
    """
    if len(data) > longest:
        raise PayloadError(f"a payload has {len(data)} bytes; at most {longest} are read")
    try:
        # Here and not by the parser, which guesses the encoding and lets half characters pass.
        text = data if isinstance(data, str) else data.decode()
    except UnicodeDecodeError as error:
        raise PayloadError(f"a payload is not UTF-8 at byte {error.start}") from None
    payload = parse_object(text, PayloadError, "a payload", "see who publishes it")
    if depth_of(payload, _MAX_DEPTH) > _MAX_DEPTH:
        raise PayloadError(f"a payload is nested more than {_MAX_DEPTH} deep")
    reasons = payload.pop(_NOT_FINITE, {})
    if not isinstance(reasons, dict):
        raise PayloadError(f"{_NOT_FINITE} is {shown(reasons)}; it must be an object")
    for pointer, name in reasons.items():
        _restore(payload, pointer, name)
    return payload


def _without_nonfinite(value: Any, pointer: str, reasons: dict[str, str]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        reasons[pointer] = str(float(value))
        return None
    if isinstance(value, dict):
        return {
            str(key): _without_nonfinite(item, f"{pointer}/{_escape(str(key))}", reasons)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_nonfinite(item, f"{pointer}/{i}", reasons) for i, item in enumerate(value)]
    return value


def _restore(payload: dict[str, Any], pointer: str, name: object) -> None:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    try:
        place: Any = payload
        for step in steps[:-1]:
            place = place[int(step) if isinstance(place, list) else step]
        last = int(steps[-1]) if isinstance(place, list) else steps[-1]
        if place[last] is None and isinstance(name, str):
            place[last] = _NAMES[name]
            return
    except (KeyError, IndexError, ValueError, TypeError):
        pass
    raise PayloadError(
        f"{_NOT_FINITE} says {pointer!r:.60} is {shown(name):.60}; it must point at a null and be "
        f"one of {sorted(_NAMES)}"
    )


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")

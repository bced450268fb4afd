"""Who an observer is: versions, board, hashes, whatever it is given to say of itself."""

from typing import Any

from edgespec.level_scale import LevelScale
from edgespec.records import BandInfo
from edgespec.wire.fields import Fields
from edgespec.wire.text import PayloadError, decode

__all__ = ["INFO_SCHEMA", "band_payload", "info_payload", "parse_info"]

INFO_SCHEMA = "edgespec.info/1"
_RESERVED = ("schema", "node", "not_finite")


def band_payload(band: BandInfo, scale: LevelScale) -> dict[str, Any]:
    """Return what is said of a band; its frequencies as those of a radio that hears it.

    ``level_unit`` is the unit that its levels are known in, beside dBFS.
    """
    lower_hz, upper_hz = band.grid.range_hz
    return {
        "band": band.band,
        "center_freq_hz": 0.5 * (lower_hz + upper_hz),
        "sample_rate_hz": upper_hz - lower_hz,
        "source": band.source,
        "model": band.model,
        "model_sha256": band.model_sha256,
        "level_unit": scale.unit,
    }


def info_payload(info: dict[str, Any], node: str) -> dict[str, Any]:
    """Return the object of schema ``edgespec.info/1``: versions, board, hashes, as given.

    Raises:
        PayloadError: ``info`` uses a name that the envelope needs.
    """
    taken = [name for name in _RESERVED if name in info]
    if taken:
        raise PayloadError(f"info has the fields {taken}, which its envelope uses: rename them")
    return {"schema": INFO_SCHEMA, "node": node, **info}


def parse_info(data: bytes | str) -> tuple[str, dict[str, Any]]:
    """Return node and info written as :func:`info_payload`.

    Raises:
        PayloadError: it is not an info of this schema.
    """
    payload = decode(data)
    node = Fields.of(payload, INFO_SCHEMA).text("node")
    return node, {key: value for key, value in payload.items() if key not in _RESERVED}

"""The manifest as JSON, and back: an unknown or a missing key is an error that names it."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from edgespec.errors import ModelError
from edgespec.inference.manifest import SCHEMA, Calibration, Manifest, ModelInfo
from edgespec.records import Geometry

__all__ = ["geometry_from_dict", "geometry_to_dict", "manifest_from_json", "manifest_to_json"]


def _record_to_dict(record: Any) -> dict[str, Any]:
    return {item.name: _plain(getattr(record, item.name)) for item in fields(record)}


def _plain(value: Any) -> Any:
    if isinstance(value, (Geometry, ModelInfo, Calibration)):
        return _record_to_dict(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _checked_keys(data: Any, expected: set[str], where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ModelError(f"{where} is {type(data).__name__}; it must be a JSON object")
    for key in sorted(data.keys() - expected):
        raise ModelError(f"{where} has the unknown key {key!r}; known are {sorted(expected)}")
    for key in sorted(expected - data.keys()):
        raise ModelError(f"{where} has no key {key!r}, which it needs: make the file again")
    return data


def _record_from_dict(cls: type, data: Any, where: str) -> dict[str, Any]:
    return dict(_checked_keys(data, {item.name for item in fields(cls)}, where))


def _tuple(value: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ModelError(f"{name} is {value!r}; it must be a list")
    return tuple(value)


def geometry_to_dict(geometry: Geometry) -> dict[str, Any]:
    """Return a geometry as JSON holds it."""
    return _record_to_dict(geometry)


def geometry_from_dict(data: Any, where: str) -> Geometry:
    """Return a geometry from JSON; ``where`` says in an error what was read.

    Raises:
        ModelError: a key is unknown, missing or of the wrong type.
    """
    values = _record_from_dict(Geometry, data, where)
    for key, value in values.items():
        number = isinstance(value, int) or (key == "sample_rate_hz" and isinstance(value, float))
        if not (isinstance(value, str) if key == "taper" else number) or isinstance(value, bool):
            raise ModelError(f"{where} has {key} = {value!r}, which is of the wrong type")
    values["sample_rate_hz"] = float(values["sample_rate_hz"])
    return Geometry(**values)


def manifest_to_json(manifest: Manifest) -> str:
    """Return the manifest as JSON with sorted keys; the same manifest gives the same text.

    Raises:
        ModelError: ``training`` holds something that JSON has not.
    """
    data = {"schema": SCHEMA, **_record_to_dict(manifest)}
    try:
        return json.dumps(data, indent=1, sort_keys=True, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"the manifest of {manifest.name!r} cannot be written as JSON ({error}): keep to "
            "texts, finite numbers, lists and objects"
        ) from error


def manifest_from_json(text: str) -> Manifest:
    """Return the manifest a bundle carries.

    Raises:
        ModelError: it is no JSON, of another version, or a key is unknown, missing or wrong.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"manifest.json is not JSON ({error}): the bundle is damaged") from error
    if isinstance(data, dict) and data.get("schema") != SCHEMA:
        raise ModelError(
            f"manifest.json has the schema {data.get('schema')!r}; this version of edgespec "
            f"reads {SCHEMA!r}: update edgespec or convert the model again"
        )
    names = {item.name for item in fields(Manifest)}
    values = dict(_checked_keys(data, names | {"schema"}, "manifest.json"))
    del values["schema"]
    values["geometry"] = geometry_from_dict(values["geometry"], "geometry of the manifest")
    model = _record_from_dict(ModelInfo, values["model"], "model of the manifest")
    for name in ("input_shape", "output_shape", "operators"):
        model[name] = _tuple(model[name], f"model.{name} of the manifest")
    values["model"] = ModelInfo(**model)
    if not isinstance(values["detectors"], dict):
        raise ModelError("detectors of the manifest must be a JSON object")
    values["detectors"] = {
        name: _calibration(item, f"detectors.{name} of the manifest")
        for name, item in values["detectors"].items()
    }
    return Manifest(**values)


def _calibration(data: Any, where: str) -> Calibration:
    values = _record_from_dict(Calibration, data, where)
    values["error_std_db"] = _tuple(values["error_std_db"], f"{where}: error_std_db")
    return Calibration(**values)

"""The manifest as JSON, and back: an unknown or a missing key is an error that names it."""

import json

from edgespec.decode import Decoder, table_of
from edgespec.errors import ModelError
from edgespec.inference.manifest import SCHEMA, Manifest

__all__ = ["manifest_from_json", "manifest_to_json"]

_DECODER = Decoder(ModelError, advice="convert the model again", needs_all=True)


def manifest_to_json(manifest: Manifest) -> str:
    """Return the manifest as JSON with sorted keys; the same manifest gives the same text.

    Raises:
        ModelError: ``training`` holds something that JSON has not.
    """
    try:
        data = {"schema": SCHEMA, **table_of(manifest)}
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
    return _DECODER.from_json(Manifest, text, SCHEMA, "manifest.json")

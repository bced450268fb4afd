"""The bundles that a path offers: one file, or all of a folder, the newest first."""

from pathlib import Path

from edgespec.errors import EdgespecError, ModelError
from edgespec.inference.bundle import load_bundle
from edgespec.updates.signature import read_signature

__all__ = ["offered"]


def offered(path: Path) -> list[Path]:
    """Return the files to try in turn: of a folder by their signed versions, then by their age.

    What cannot be read stands last, so that it is said what is wrong with it.

    Raises:
        ModelError: the folder holds no bundle, or cannot be read.
    """
    if not path.is_dir():
        return [path]
    try:
        found = [one for one in path.iterdir() if one.suffix == ".edgespec"]
    except OSError as error:
        raise ModelError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    if not found:
        raise ModelError(
            f"{str(path)!r} holds no bundle NAME.edgespec: name the folder that does, or the file"
        )
    return sorted(found, key=lambda one: (_age(one), one.name), reverse=True)


def _age(path: Path) -> tuple[int, str]:
    """Return what grows with how new a bundle says it is."""
    try:
        bundle = load_bundle(path)
        signature = read_signature(bundle)
    except EdgespecError:
        return -1, ""
    return (0 if signature is None else signature.signed.version), bundle.manifest.created_utc

"""A model as one file: manifest, network and golden vectors, bound by hashes.

A bundle ``NAME.edgespec`` is a stored zip. Its id is the SHA-256 of its bytes, so ``sha256sum``
shows it. A member ``signature`` does not count: the id is that of the bundle before it was signed,
so that what was learnt with a model outlives a new signature. The hashes inside bind the members to
the manifest; they find damage, not forgery, which :mod:`edgespec.updates.signature` does.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np

from edgespec.door import brief, door
from edgespec.errors import ModelError
from edgespec.inference.arrays import arrays_from_npz, npz_from_arrays, zip_bytes, zip_members
from edgespec.inference.manifest import Manifest
from edgespec.inference.manifest_json import manifest_from_json, manifest_to_json
from edgespec.newfile import check_absent, make_file, replace_file, unwritable
from edgespec.records import FloatArray

__all__ = [
    "MAX_BUNDLE_BYTES",
    "Bundle",
    "load_bundle",
    "pack_bundle",
    "parse_bundle",
    "put_bundle",
    "read_bundle",
    "shipped_bundle_path",
    "with_signature",
    "write_bundle",
]

#: Fits every model a board of this class can run, and bounds what a wrong file can cost.
MAX_BUNDLE_BYTES = 64 * 2**20
MAX_MANIFEST_BYTES = 2**20
_REQUIRED = ("golden.npz", "manifest.json", "model.tflite")
_MANIFEST, _SIGNATURE = "manifest.json", "signature"
_OPTIONAL = ("weights.npz", _SIGNATURE)
#: What ``golden.npz`` calls a side input.
_SIDE = "side_{}"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle in memory.

    ``golden_inputs`` float32 ``(n_golden, n_frames, n_bins)``, standardised windows, and
    ``golden_outputs`` ``(n_golden, n_horizon, n_bins)``: what the model must return for them.
    ``weights`` is the optional ``weights.npz`` as it stands in the file. ``golden_sides`` are the
    side inputs of the golden windows, in the manifest's order, each ``(n_golden, n_rows, n_bins)``.
    ``manifest_bytes`` are the manifest as it stands in the file, ``signature`` the optional member
    of that name, which nobody has verified.
    """

    manifest: Manifest
    model: bytes
    golden_inputs: FloatArray
    golden_outputs: FloatArray
    sha256: str
    path: Path
    weights: bytes | None = None
    golden_sides: tuple[FloatArray, ...] = ()
    manifest_bytes: bytes = b""
    signature: bytes | None = None

    def golden_windows(self) -> Iterator[tuple[FloatArray, ...]]:
        """Yield what a backend is given for each golden window: it, and its side inputs."""
        return zip(self.golden_inputs, *self.golden_sides, strict=True)


def load_bundle(path: str | Path) -> Bundle:
    """Return the bundle in a file, after every check that needs no runtime.

    Raises:
        ModelError: the file is missing, too large, damaged, of another version, or its members
            do not belong together; the message says what to do.
    """
    return read_bundle(Path(path))[0]


def read_bundle(path: Path) -> tuple[Bundle, bytes]:
    """Return the bundle in a file, and the bytes of the file.

    Raises:
        ModelError: as :func:`load_bundle`.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if 0 < size <= MAX_BUNDLE_BYTES else b""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(
            f"bundle {brief(repr(str(path)), 160)} cannot be read ({reason}): give the path of an "
            ".edgespec file"
        ) from error
    if not content:
        raise ModelError(
            f"bundle {brief(repr(str(path)), 160)} has {size} bytes; an .edgespec file has 1 to "
            f"{MAX_BUNDLE_BYTES}: give another file"
        )
    return parse_bundle(content, path), content


def parse_bundle(content: bytes, path: Path) -> Bundle:
    """Return the bundle in the bytes of a file; ``path`` stands for them in messages.

    Raises:
        ModelError: as :func:`load_bundle`.
    """
    with door(f"bundle {str(path)!r}", ModelError, "fetch or convert it again"):
        if len(content) > MAX_BUNDLE_BYTES:
            raise ModelError(
                f"bundle {str(path)!r} has {len(content)} bytes; at most {MAX_BUNDLE_BYTES} are "
                "accepted: use a smaller model"
            )
        return _parsed(content, path)


def _parsed(content: bytes, path: Path) -> Bundle:
    label = f"bundle {str(path)!r}"
    members = zip_members(content, label, _REQUIRED + _OPTIONAL)
    for name in _REQUIRED:
        if name not in members:
            raise ModelError(f"{label} has no {name}: fetch or convert it again")
    if len(members["manifest.json"]) > MAX_MANIFEST_BYTES:
        raise ModelError(
            f"{label} has a manifest of {len(members['manifest.json'])} bytes; at most "
            f"{MAX_MANIFEST_BYTES} are accepted: fetch or convert it again"
        )
    try:
        text = members["manifest.json"].decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"{label} has a manifest that is not UTF-8: fetch it again") from error
    manifest = manifest_from_json(text)
    _check_hashes(manifest, members, label)
    golden = arrays_from_npz(members["golden.npz"], f"golden.npz of {label}")
    inputs, outputs, *sides = _golden(golden, manifest, label)
    return Bundle(
        manifest=manifest,
        model=members["model.tflite"],
        golden_inputs=inputs,
        golden_outputs=outputs,
        sha256=hashlib.sha256(_unsigned(content, members)).hexdigest(),
        path=path,
        weights=members.get("weights.npz"),
        golden_sides=tuple(sides),
        manifest_bytes=members[_MANIFEST],
        signature=members.get(_SIGNATURE),
    )


def _unsigned(content: bytes, members: dict[str, bytes]) -> bytes:
    """Return the bytes of a bundle as they were before it was signed."""
    if _SIGNATURE not in members:
        return content
    return zip_bytes({name: data for name, data in members.items() if name != _SIGNATURE})


def with_signature(content: bytes, signature: bytes) -> bytes:
    """Return the bytes of a bundle with another member ``signature``.

    Raises:
        ModelError: they are no bundle.
    """
    members = zip_members(content, "bundle", _REQUIRED + _OPTIONAL)
    return zip_bytes({**members, _SIGNATURE: signature})


def _check_hashes(manifest: Manifest, members: dict[str, bytes], label: str) -> None:
    others = members.keys() - {_MANIFEST, _SIGNATURE}
    if others != manifest.files.keys():
        raise ModelError(
            f"{label} holds {sorted(others)}, but its manifest lists {sorted(manifest.files)}: "
            "fetch or convert it again"
        )
    for name in sorted(others):
        digest = hashlib.sha256(members[name]).hexdigest()
        if digest != manifest.files[name]:
            raise ModelError(
                f"{label}: {name} has the SHA-256 {digest[:12]}..., but the manifest says "
                f"{manifest.files[name][:12]}...: it was changed or damaged, fetch it again"
            )


def _golden(
    golden: dict[str, FloatArray], manifest: Manifest, label: str
) -> tuple[FloatArray, ...]:
    """Return inputs, outputs, and the side inputs in the manifest's order."""
    expected = {"inputs": manifest.window_shape, "outputs": manifest.output_shape}
    names = [_SIDE.format(side.name) for side in manifest.side_inputs]
    expected |= zip(names, manifest.side_shapes, strict=True)
    if golden.keys() != expected.keys():
        raise ModelError(
            f"{label}: golden.npz holds {sorted(golden)} instead of {sorted(expected)}: "
            "convert the model again"
        )
    for name, shape in expected.items():
        array = golden[name]
        if array.shape[1:] != shape or array.dtype != np.float32:
            raise ModelError(
                f"{label}: golden {name} are {array.dtype} {array.shape}, but the geometry asks "
                f"for float32 (n, {shape[0]}, {shape[1]}): convert the model again"
            )
        if not np.isfinite(array).all():
            raise ModelError(f"{label}: golden {name} are not all finite: convert the model again")
        if len(array) != len(golden["inputs"]):
            raise ModelError(
                f"{label}: {len(golden['inputs'])} golden inputs but {len(array)} {name}: convert "
                "the model again"
            )
    return tuple(golden[name] for name in expected)


def write_bundle(
    path: str | Path,
    manifest: Manifest,
    model: bytes,
    golden_inputs: FloatArray,
    golden_outputs: FloatArray,
    weights: bytes | None = None,
    golden_sides: Sequence[FloatArray] = (),
) -> Bundle:
    """Write a bundle in one step and return it as :func:`load_bundle` reads it.

    ``manifest.files`` is filled in here. A reader never sees half a file: it is written beside
    its place and renamed.

    Raises:
        ModelError: the parts do not belong together.
        ConfigError: the file cannot be written.
    """
    bundle, content = pack_bundle(
        path, manifest, model, golden_inputs, golden_outputs, weights, golden_sides
    )
    put_bundle(bundle, content)
    return bundle


def pack_bundle(
    path: str | Path,
    manifest: Manifest,
    model: bytes,
    golden_inputs: FloatArray,
    golden_outputs: FloatArray,
    weights: bytes | None = None,
    golden_sides: Sequence[FloatArray] = (),
) -> tuple[Bundle, bytes]:
    """Return a bundle that nobody has written yet, to be checked before, and its bytes.

    Raises:
        ModelError: the parts do not belong together.
    """
    path = Path(path)
    names = [_SIDE.format(side.name) for side in manifest.side_inputs]
    if len(golden_sides) != len(names):
        raise ModelError(
            f"bundle {str(path)!r} has {len(names)} side inputs, but golden vectors of "
            f"{len(golden_sides)}: give one array for each"
        )
    sides = dict(zip(names, golden_sides, strict=True))
    members = {
        "model.tflite": model,
        "golden.npz": npz_from_arrays(inputs=golden_inputs, outputs=golden_outputs, **sides),
    }
    if weights is not None:
        members["weights.npz"] = weights
    files = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    members["manifest.json"] = manifest_to_json(replace(manifest, files=files)).encode()
    content = zip_bytes(members)
    if len(content) > MAX_BUNDLE_BYTES:
        raise ModelError(
            f"bundle {str(path)!r} would have {len(content)} bytes; at most {MAX_BUNDLE_BYTES} "
            "are accepted: use a smaller model"
        )
    return parse_bundle(content, path), content


def put_bundle(bundle: Bundle, content: bytes, *, is_new: bool = False) -> None:
    """Put a packed bundle into its place in one step; a power cut leaves the old file or the new.

    One that is new takes the place of no other file.

    Raises:
        ConfigError: it cannot be written, or is new and there is a file; that one is untouched.
    """
    path = bundle.path
    try:
        if not is_new:
            replace_file(path, content)
            return
        check_absent(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        make_file(path, content)
    except OSError as error:
        raise unwritable(path, error) from error


def shipped_bundle_path() -> Path:
    """Return the path of the bundle that came with the package.

    Raises:
        ModelError: this installation has none.
    """
    folder = Path(str(resources.files("edgespec").joinpath("models")))
    bundles = sorted(folder.glob("*.edgespec"))
    if not bundles:
        raise ModelError(
            "this installation has no model of its own: give one with --model FILE.edgespec"
        )
    return bundles[0]

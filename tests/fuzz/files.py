"""TOML, bundles, arrays and journals."""

import functools
import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edgespec.twin
from edgespec.alarm.outbox.journal import Kind, Record, pack_all
from edgespec.alarm.outbox.spool import Spool
from edgespec.config.loader import load_config
from edgespec.config.template import template
from edgespec.inference.bundle import Bundle, load_bundle
from edgespec.inference.network import Dense, Lstm, Network, network_from_npz, network_to_npz
from edgespec.observer.runtimes.choice import Candidate, remember, remembered
from edgespec.twin.propagation.maps import Maps
from edgespec.twin.site import load_site
from edgespec.twin.trained import load_trained, save_trained
from edgespec.updates.installed import Installed
from edgespec.updates.seen import SeenFile
from edgespec.updates.signature import read_signature
from edgespec.updates.store import ModelStore
from tests.fuzz.target import Call, Target
from tests.made import tiny_network
from tests.made.twin_site import World, hall

__all__ = ["TARGETS", "written"]

_SITES = Path(edgespec.twin.__file__).parent / "sites"


def written(name: str, read: Callable[[Path], object]) -> Callable[[Path], Call]:
    """Return what makes the call that reads a file of the bytes."""

    def open_in(folder: Path) -> Call:
        path = folder / name

        def call(data: bytes) -> None:
            path.write_bytes(data)
            read(path)

        return call

    return open_in


def _configs() -> list[bytes]:
    return [
        template().encode(),
        b'[node]\nid = "pi"\n[[source]]\nuri = "rtl_tcp:h:1"\ngain_db = 20.0\n[[band]]\nid = "a"\n'
        b'[detect]\nwarmup_s = 0.3\nhold_off_s = 0.05\ndetectors = ["model", "zscore"]\n'
        b'[mqtt]\nurl = "mqtt://h"\nkeepalive_s = 10\n[alarm]\nstate_s = 1.0\n',
    ]


def _bundle() -> bytes:
    return tiny_network.bundle().path.read_bytes()


@functools.cache
def _members() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(_bundle())) as file:
        return {name: file.read(name) for name in file.namelist()}


def _stored(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return out.getvalue()


def _golden(folder: Path) -> Call:
    """The bytes are golden.npz; the manifest has the hash that belongs to them."""
    manifest = json.loads(_members()["manifest.json"])

    def call(data: bytes) -> None:
        manifest["files"]["golden.npz"] = hashlib.sha256(data).hexdigest()
        changed = {"manifest.json": json.dumps(manifest).encode(), "golden.npz": data}
        _load_changed(folder, changed)

    return call


def _manifest(folder: Path) -> Call:
    return lambda data: _load_changed(folder, {"manifest.json": data})


def _load_changed(folder: Path, changed: dict[str, bytes]) -> None:
    (folder / "g.edgespec").write_bytes(_stored({**_members(), **changed}))
    load_bundle(folder / "g.edgespec")


def _signature(folder: Path) -> Call:
    return lambda data: _read_signature(replace(tiny_network.bundle(), signature=data))


def _read_signature(bundle: Bundle) -> None:
    read_signature(bundle)


def _signatures() -> list[bytes]:
    one = {"key": f"ed25519:{'A' * 43}=", "value": f"{'A' * 86}=="}
    times = {"signed_utc": "2026-01-01T00:00:00Z", "expires_utc": "2027-01-01T00:00:00Z"}
    whole = {"schema": "edgespec.signature/1", "signed": {"version": 7, **times}}
    return [json.dumps({**whole, "signatures": [one]}).encode()]


def _pointer(folder: Path) -> Call:
    """What cannot be read is an error to who asks, and no model to who runs one."""
    store, path = ModelStore(folder), folder / "models" / "bands" / "b.json"
    path.parent.mkdir(parents=True, exist_ok=True)

    def call(data: bytes) -> None:
        path.write_bytes(data)
        store.running("b")
        store.installed("b")

    return call


def _seen(folder: Path) -> Call:
    path = folder / "models" / "seen.json"
    path.parent.mkdir(exist_ok=True)

    def call(data: bytes) -> None:
        path.write_bytes(data)
        SeenFile(folder).read().highest("b", ("key",))

    return call


def _seens() -> list[bytes]:
    versions = {"b": {"key": {"version": 3, "sha256": "0" * 64}}}
    whole = {"schema": "edgespec.seen/1", "latest_utc_ns": 5, "versions": versions}
    return [json.dumps(whole).encode()]


def _of_arrays(seed: Callable[[], bytes], read: Callable[[Path], object]) -> Target:
    """Return the target of an npz: its members are damaged, its checksums are right.

    The first byte says which member the others are.
    """

    def seeds() -> list[bytes]:
        with zipfile.ZipFile(io.BytesIO(seed())) as file:
            return [bytes([i]) + file.read(name) for i, name in enumerate(sorted(file.namelist()))]

    def open_in(folder: Path) -> Call:
        with zipfile.ZipFile(io.BytesIO(seed())) as file:
            good = {name: file.read(name) for name in sorted(file.namelist())}

        def call(data: bytes) -> None:
            name = list(good)[data[0] % len(good)] if data else next(iter(good))
            (folder / "m.npz").write_bytes(_stored({**good, name: data[1:]}))
            read(folder / "m.npz")

        return call

    return Target(seeds, open_in, cost=30)


def _read_maps(path: Path) -> None:
    site = hall()
    maps = Maps(replace(site, propagation=replace(site.propagation, model="maps", file=path)))
    maps.grid()
    maps.gains_db(site.units_xyz_m)


def _maps() -> bytes:
    """Return maps of the hall with few cells."""
    site = hall()
    out = io.BytesIO()
    axes = {"x_m": [0.5, 5.0, 9.5], "y_m": [0.5, 9.5], "z_m": [1.5]}
    places = site.units_xyz_m
    np.savez(
        out,
        units_xyz_m=places,
        gain_db=np.full((len(places), 1, 2, 3), -60.0, np.float32),
        **{name: np.array(axis, np.float64) for name, axis in axes.items()},
    )
    return out.getvalue()


def _trained() -> bytes:
    path = Path(tiny_network.bundle().path.parent) / "trained.npz"
    save_trained(World(hall(), np.random.default_rng(3)).trained(100), path)
    return path.read_bytes()


def _load_trained(path: Path) -> None:
    load_trained(path, hall())


def _journals() -> list[bytes]:
    records = [Record(Kind.COUNTER, 3), Record(Kind.EVENT, 4, b"{}"), Record(Kind.DONE, 4)]
    records += [Record(Kind.UPDATE, 5, b'{"a":1}' * 20), Record(Kind.EVENT, 6, b"x" * 900)]
    return [pack_all(records), pack_all(records[1:2]), b"eJ1\n" * 4000]


def _spool(folder: Path) -> Call:
    def call(data: bytes) -> None:
        (folder / "events.journal").write_bytes(data)
        logging.disable()
        spool = Spool(folder, 1_000_000)
        logging.disable(logging.NOTSET)
        spool.append(spool.last_sequence + 1, b"next")
        spool.close()

    return call


def _choices() -> list[bytes]:
    bundle = tiny_network.bundle()
    folder = bundle.path.parent
    remember(bundle, folder, ["numba"], [Candidate("numba", call_s=1e-4)])
    return [(folder / "backends.json").read_bytes()]


def _choice(path: Path) -> None:
    remembered(tiny_network.bundle(), path.parent, ["numba"])


def _weights() -> bytes:
    rng = np.random.default_rng(4)

    def drawn(*shape: int) -> NDArray[np.float32]:
        return rng.standard_normal(shape, np.float32)

    lstm = Lstm("sigmoid", drawn(3, 8), drawn(2, 8), drawn(8))
    return network_to_npz(Network((lstm,), (Dense("linear", drawn(2, 4), drawn(4)),)))


def _read_weights(path: Path) -> None:
    network_from_npz(path.read_bytes(), "weights.npz")


TARGETS = {
    "toml-observer": Target(_configs, written("c.toml", load_config), cost=40),
    "toml-site": Target(
        lambda: [(_SITES / "hall.toml").read_bytes()], written("s.toml", load_site), cost=60
    ),
    "bundle": Target(lambda: [_bundle()], written("b.edgespec", load_bundle), cost=15),
    "bundle-manifest": Target(lambda: [_members()["manifest.json"]], _manifest, cost=15),
    "bundle-golden": Target(lambda: [_members()["golden.npz"]], _golden, cost=15),
    "bundle-signature": Target(_signatures, _signature, cost=15),
    "model-pointer": Target(
        lambda: [Installed("0" * 64, "1" * 64, "2026-01-01T00:00:00Z", "x").as_json()],
        _pointer,
        cost=15,
    ),
    "model-versions": Target(_seens, _seen, cost=15),
    "npz-weights": _of_arrays(_weights, _read_weights),
    "npz-maps": _of_arrays(_maps, _read_maps),
    "npz-trained": _of_arrays(_trained, _load_trained),
    "journal": Target(_journals, _spool, cost=10),
    "choice-of-runtime": Target(_choices, written("backends.json", _choice), cost=6),
}

"""Power cuts at the bytes of every file that is written."""

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

from benchmarks.chaos import events, files
from benchmarks.chaos.cuts import cut_at, places, replaced_trial
from benchmarks.chaos.trial import Trial
from benchmarks.fleet.yard import learn
from edgespec.alarm.outbox.spool import Spool
from edgespec.inference.bundle import load_bundle, shipped_bundle_path, write_bundle
from edgespec.observer.runtimes.choice import Candidate, remember, remembered
from edgespec.twin.service.openings import example_site, load_sites
from edgespec.twin.trained import load_trained, save_trained

__all__ = ["power_cuts"]

_SPOOL_BYTES = 16_384
#: They fill the journal more than once, and what waits of them stays below half of it.
_N_MESSAGES = 130


def power_cuts(folder: Path, most: int) -> list[Trial]:
    """Cut at up to ``most`` bytes of each file."""
    logging.disable()
    try:
        return [
            _journal(folder / "journal", most),
            _zeros(folder / "zeros", most),
            _unforced(folder / "unforced"),
            _choice(folder / "choice", most),
            _bundle(folder / "bundle", most),
            _trained(folder / "trained", most),
            *files.other_files(folder / "files", most),
            *events.event_files(folder / "events", most),
        ]
    finally:
        logging.disable(logging.NOTSET)


def _messages(folder: Path, say: Callable[[int], None]) -> None:
    """Append and confirm: so many that the journal is written anew; two of three are confirmed."""
    spool = Spool(folder, _SPOOL_BYTES)
    for _ in range(_N_MESSAGES):
        sequence = spool.last_sequence + 1
        spool.append(sequence, b"%06d" % sequence * 20)
        say(sequence)
        if sequence % 3:
            spool.ack(sequence)
    spool.close()


def _journal(folder: Path, most: int) -> Trial:
    """Before the cut it is said what was appended; afterwards it must be there."""
    n_lost = n_said = n_again = n_cuts = 0
    for at in places(_SPOOL_BYTES, most):
        shutil.rmtree(folder, ignore_errors=True)
        said, died = cut_at(at, lambda say: _messages(folder, say))
        n_cuts += died
        spool = Spool(folder, _SPOOL_BYTES)
        found = [sequence for sequence, _ in spool.pending()]
        kept = [sequence for sequence in said if sequence % 3 == 0]
        n_said += len(kept)
        n_lost += len(set(kept) - set(found))
        n_again += bool(said) and spool.last_sequence < said[-1]
        spool.close()
    failed = f"after {n_again} cuts the sequence numbers begin again" * bool(n_again)
    if n_lost:
        failed = "; ".join(filter(None, (failed, f"{n_lost} lost")))
    return Trial("power cut at bytes of the journal", n_cuts, n_said, n_lost, 0, True, None, failed)


def _zeros(folder: Path, most: int) -> Trial:
    """The file has its length, but from some byte on zeros are in it."""
    spool = Spool(folder, _SPOOL_BYTES)
    for sequence in range(1, 11):
        spool.append(sequence, b"%06d" % sequence * 10)
    spool.close()
    path = folder / "events.journal"
    whole = path.read_bytes()
    n_lost = n_said = n_tried = 0
    for at in places(len(whole), most):
        path.write_bytes(whole[:at] + bytes(len(whole) - at))
        spool = Spool(folder, _SPOOL_BYTES)
        n_whole = at * 10 // len(whole)
        n_said += n_whole
        n_lost += n_whole - len(spool)
        n_tried += 1
        following = spool.last_sequence + 1
        spool.append(following, b"next")
        spool.close()
        again = Spool(folder, _SPOOL_BYTES)
        n_lost += again.last_sequence < following
        again.close()
    return Trial("zeros from any byte of the journal on", n_tried, n_said, n_lost, 0, True)


def _unforced(folder: Path) -> Trial:
    """All messages were confirmed; of the file only what was forced to the medium is left."""
    kept: dict[int, bytes] = {}
    real = os.fdatasync

    def force(file: int) -> None:
        real(file)
        kept[os.fstat(file).st_ino] = Path(f"/proc/self/fd/{file}").read_bytes()

    with mock.patch("os.fdatasync", force):
        spool = Spool(folder, _SPOOL_BYTES)
        for _ in range(_N_MESSAGES):
            sequence = spool.last_sequence + 1
            spool.append(sequence, b"message")
            spool.ack(sequence)
        path = folder / "events.journal"
        left = kept.get(path.stat().st_ino, b"")
    spool.close()
    path.write_bytes(left)
    again = Spool(folder, _SPOOL_BYTES)
    n_twice = _N_MESSAGES - again.last_sequence
    again.close()
    failed = f"the next {n_twice} sequence numbers come twice (O9)" * (n_twice > 0)
    name = "power cut after confirmed messages, none forced to the medium"
    return Trial(name, 1, _N_MESSAGES, 0, 0, n_twice <= 0, None, failed)


def _choice(folder: Path, most: int) -> Trial:
    """The runtime chosen for a bundle is the old or the new one."""
    bundle = load_bundle(shipped_bundle_path())
    names, old, new = ["litert", "numba"], Candidate("litert", 1e-3), Candidate("numba", 1e-4)
    remember(bundle, folder, names, [old])
    before = (folder / "backends.json").read_bytes()

    def work(say: Callable[[int], None]) -> None:
        remember(bundle, folder, names, [new])

    def is_good() -> bool:
        found = remembered(bundle, folder, names)
        return found is not None and found.backend in names

    return replaced_trial(
        "the choice of a runtime", folder / "backends.json", before, work, is_good, most
    )


def _bundle(folder: Path, most: int) -> Trial:
    """A bundle that is written over another is whole, the old or the new one."""
    shipped = load_bundle(shipped_bundle_path())
    folder.mkdir()
    path = folder / "a.edgespec"
    before = shipped_bundle_path().read_bytes()
    manifest = replace(shipped.manifest, name="new")

    def work(say: Callable[[int], None]) -> None:
        pair = (shipped.golden_inputs, shipped.golden_outputs)
        write_bundle(path, manifest, shipped.model, *pair, shipped.weights)

    return replaced_trial("a bundle", path, before, work, lambda: bool(load_bundle(path)), most)


def _trained(folder: Path, most: int) -> Trial:
    """What was learnt of a site is there after it is learnt again."""
    folder.mkdir()
    (folder / "s.toml").write_text(example_site(), encoding="utf-8")
    (site,) = load_sites([folder])
    learnt = learn(site, 100)
    path = folder / "t.npz"
    save_trained(learnt, path)
    before = path.read_bytes()

    def work(say: Callable[[int], None]) -> None:
        save_trained(learnt, path)

    return replaced_trial(
        "a trained twin", path, before, work, lambda: bool(load_trained(path, site)), most
    )

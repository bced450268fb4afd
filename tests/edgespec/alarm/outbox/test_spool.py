"""What the spool keeps, whatever happens to the process and the disk."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgespec.alarm.outbox import reservation
from edgespec.alarm.outbox import spool as spool_module
from edgespec.alarm.outbox.journal import Kind, Record, pack, pack_all, unpack
from edgespec.alarm.outbox.spool import Spool
from edgespec.errors import ConfigError
from tests.made.mutations import mutated

BIG = 1_000_000


def sequences(spool: Spool) -> list[int]:
    return [sequence for sequence, _ in spool.pending()]


def filled(folder: Path, n_messages: int, max_bytes: int = BIG) -> Spool:
    spool = Spool(folder, max_bytes)
    for sequence in range(1, n_messages + 1):
        spool.append(sequence, b"message %d" % sequence)
    return spool


def test_nothing_is_written_before_the_first_message(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "spool"
    spool = Spool(folder, BIG)
    assert spool.oldest() is None
    spool.sync()
    spool.close()
    assert not folder.parent.exists()


def test_what_is_not_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    spool = filled(tmp_path, 10)
    for sequence in (1, 2, 5):
        spool.ack(sequence)
    spool.close()
    again = Spool(tmp_path, BIG)
    assert list(again.pending()) == [(n, b"message %d" % n) for n in (3, 4, 6, 7, 8, 9, 10)]
    assert again.oldest() == (3, b"message 3")
    assert again.last_sequence == 10
    again.close()


def test_a_folder_that_may_not_be_entered_is_said_and_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refuse)
    spool = filled(tmp_path, 3)
    assert "Permission denied" in (spool.problem or "")
    assert len(caplog.records) == 1
    assert sequences(spool) == [1, 2, 3]
    spool.close()


def test_sequence_numbers_only_rise_across_restarts(tmp_path: Path) -> None:
    for restart in range(5):
        spool = Spool(tmp_path, 16_384)
        assert spool.last_sequence == restart * 100
        for _ in range(100):
            sequence = spool.last_sequence + 1
            spool.append(sequence, b"x" * 500)
            spool.ack(sequence)
        with pytest.raises(ValueError, match="comes after"):
            spool.append(spool.last_sequence, b"x")
        spool.close()


def test_an_emptied_journal_still_knows_how_far_it_counted(tmp_path: Path) -> None:
    spool = filled(tmp_path, 1)
    spool.append(2, b"x" * 100_000)
    spool.ack(1)
    spool.ack(2)
    spool.close()
    assert (tmp_path / "events.journal").stat().st_size < 100
    again = Spool(tmp_path, BIG)
    assert again.last_sequence == 2
    again.close()


@pytest.fixture
def _unforced(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is not waited for: here it is read, not lost."""
    monkeypatch.setattr(os, "fsync", lambda file: None)
    monkeypatch.setattr(os, "fdatasync", lambda file: None)


@pytest.mark.usefixtures("_unforced")
def test_any_damage_costs_only_the_damaged_messages(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    spool = filled(tmp_path, 20)
    spool.close()
    path = tmp_path / "events.journal"
    whole = path.read_bytes()
    for _ in range(200):
        at = int(rng.integers(len(whole)))
        damaged = bytearray(whole)
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(damaged))
        survivor = Spool(tmp_path, BIG)
        assert len(survivor) == 19
        assert survivor.n_damaged_bytes > 0
        assert all(payload == b"message %d" % n for n, payload in survivor.pending())
        survivor.close()


@pytest.mark.usefixtures("_unforced")
def test_a_cut_at_any_byte_costs_only_the_tail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = filled(tmp_path, 3)
    spool.close()
    path = tmp_path / "events.journal"
    whole = path.read_bytes()
    record_bytes = len(whole) // 3
    for n_bytes in range(len(whole)):
        path.write_bytes(whole[:n_bytes])
        caplog.clear()
        survivor = Spool(tmp_path, BIG)
        assert sequences(survivor) == list(range(1, n_bytes // record_bytes + 1))
        assert survivor.n_damaged_bytes == n_bytes % record_bytes
        assert ("damaged" in caplog.text) == (n_bytes % record_bytes > 0)
        sequence = survivor.last_sequence + 1
        survivor.append(sequence, b"after the cut")
        survivor.close()
        again = Spool(tmp_path, BIG)
        assert sequences(again)[-1] == sequence
        again.close()


@pytest.mark.parametrize(
    ("kind", "octets"),
    [
        (Kind.EVENT, "654a310a010201000000000000020000000192cd206869"),
        (Kind.UPDATE, "654a310a0202010000000000000200000000f42fb96869"),
        (Kind.DONE, "654a310a03020100000000000002000000c02ba1786869"),
        (Kind.COUNTER, "654a310a04020100000000000002000000433e9a516869"),
    ],
)
def test_a_journal_of_an_older_release_is_read(kind: Kind, octets: str) -> None:
    record = Record(kind, 258, b"hi")
    assert pack(record).hex() == octets
    assert list(unpack(bytes.fromhex(octets))) == [record]


def test_records_are_found_between_damaged_stretches() -> None:
    records = [Record(Kind.EVENT, n, b"x" * n) for n in range(1, 5)]
    first, second, third, fourth = map(pack, records)
    data = b"junk" + first + second[:-1] + third + b"\xff" * 7 + fourth[:10]
    found = [item for item in unpack(data) if not isinstance(item, int)]
    assert found == [records[0], records[2]]
    assert list(unpack(pack_all(records))) == records


def test_a_full_spool_drops_oldest_updates_then_oldest_events(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 16_384)  # 8192 bytes of messages
    for sequence in range(1, 9):
        spool.append(sequence, b"x" * 1000, droppable=sequence % 2 == 0)
    assert spool.n_lost == 0
    kept = []
    for sequence in range(9, 16):
        spool.append(sequence, b"x" * 1000)
        kept.append(sequences(spool))
    assert kept[0] == [1, 3, 4, 5, 6, 7, 8, 9]
    assert kept[3] == [1, 3, 5, 7, 9, 10, 11, 12]
    assert kept[6] == [7, 9, 10, 11, 12, 13, 14, 15]
    assert spool.n_lost == 7
    spool.close()
    again = Spool(tmp_path, 16_384)
    assert sequences(again) == kept[6]
    again.close()


def test_the_file_stays_within_its_limit(tmp_path: Path, rng: np.random.Generator) -> None:
    """Random appends and acknowledgements against a plain dict."""
    limit = 20_000
    spool = Spool(tmp_path, limit)
    expected: dict[int, bytes] = {}
    for sequence in range(1, 2000):
        payload = rng.bytes(int(rng.integers(1, 900)))
        spool.append(sequence, payload)
        expected[sequence] = payload
        while sum(map(len, expected.values())) > limit // 2:
            del expected[min(expected)]
        if rng.uniform() < 0.5:
            done = int(rng.choice(list(expected)))
            spool.ack(done)
            del expected[done]
        assert (tmp_path / "events.journal").stat().st_size <= limit
        if sequence % 100 == 0:
            spool.close()
            spool = Spool(tmp_path, limit)
        assert dict(spool.pending()) == expected
    spool.close()


def test_a_message_larger_than_the_spool_is_counted(tmp_path: Path) -> None:
    spool = filled(tmp_path, 2, 16_384)
    spool.append(3, b"x" * 10_000)
    assert sequences(spool) == [1, 2]
    assert spool.n_lost == 1
    assert spool.last_sequence == 3
    spool.close()


@pytest.mark.parametrize("max_bytes", [-1, 1, 1000])
def test_a_spool_without_room_is_refused(tmp_path: Path, max_bytes: int) -> None:
    with pytest.raises(ConfigError, match=str(max_bytes)):
        Spool(tmp_path, max_bytes)


def test_only_the_owner_may_read_what_waits(tmp_path: Path) -> None:
    spool = filled(tmp_path, 3)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"events.journal": 0o600, "lock": 0o600, "reserved": 0o600}
    before = (tmp_path / "events.journal").stat().st_ino
    for sequence in range(4, 2000):
        spool.ack(sequence - 3)
        spool.append(sequence, b"message" * 100)
    journal = (tmp_path / "events.journal").stat()
    assert journal.st_ino != before
    assert journal.st_mode & 0o777 == 0o600
    spool.close()


def test_a_second_close_leaves_the_files_of_others_alone(tmp_path: Path) -> None:
    spool = filled(tmp_path, 1)
    spool.close()
    # They get the numbers that were free again.
    others = [os.open(tmp_path / "lock", os.O_RDONLY) for _ in range(3)]
    spool.close()
    for file in others:
        os.close(file)


def test_no_file_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def n_open() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(spool_module, "_RETRY_DISK_S", 0.0)
    before = n_open()
    spool = filled(tmp_path, 1, max_bytes=20_000)
    with_journal_and_lock = n_open()
    assert with_journal_and_lock == before + 2
    # It is rewritten now and then, which sometimes fails.
    for sequence in range(2, 400):
        if sequence % 80 == 0:
            with monkeypatch.context() as broken:
                broken.setattr(os, "write", full)
                spool.append(sequence, b"x" * 500)
            assert spool.problem is not None
            assert n_open() == before + 1
        else:
            spool.append(sequence, b"x" * 500)
            assert n_open() <= with_journal_and_lock
    spool.close()
    assert n_open() == before


def test_no_bytes_on_disk_means_memory(tmp_path: Path) -> None:
    spool = filled(tmp_path / "spool", 3, 0)
    assert sequences(spool) == [1, 2, 3]
    spool.close()
    assert not (tmp_path / "spool").exists()


def test_a_full_disk_is_said_once_and_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spool = filled(tmp_path, 2)
    write = os.write

    def half_then_full(file: int, data: bytes) -> int:
        if len(data) > 10:
            return write(file, bytes(data)[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", half_then_full)
    for sequence in range(3, 10):
        spool.append(sequence, b"message %d" % sequence)
    assert spool.problem is not None
    assert "No space left" in spool.problem
    assert caplog.text.count("No space left") == 1
    spool.ack(1)
    assert sequences(spool) == list(range(2, 10))

    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(spool_module, "_RETRY_DISK_S", 0.0)
    spool._retry_at_s = 0.0
    spool.append(10, b"message 10")
    assert spool.problem is None
    spool.close()
    again = Spool(tmp_path, BIG)
    assert list(again.pending()) == [(n, b"message %d" % n) for n in range(2, 11)]
    assert again.n_damaged_bytes == 0
    again.close()


class Medium:
    """A disk of which a power cut leaves what was forced to it.

    Of each file, what was there when it was last forced; of each folder, the names that were there
    when the folder was.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.n_syncs = 0
        self._kept: dict[int, bytes] = {}
        self._names: dict[Path, dict[str, int]] = {}
        self._force, self._force_all = os.fdatasync, os.fsync
        monkeypatch.setattr(os, "fdatasync", self._fdatasync)
        monkeypatch.setattr(os, "fsync", self._fsync)

    def _fdatasync(self, file: int) -> None:
        self._force(file)
        self.n_syncs += 1
        self._keep(file)

    def _fsync(self, file: int) -> None:
        folder = Path(f"/proc/self/fd/{file}").resolve()
        if "after" in folder.parts:
            # What a power cut left is only looked at.
            return
        self._force_all(file)
        if folder.is_dir():
            self._names[folder] = {one.name: one.stat().st_ino for one in folder.iterdir()}
        else:
            self._keep(file)

    def _keep(self, file: int) -> None:
        self._kept[os.fstat(file).st_ino] = Path(f"/proc/self/fd/{file}").read_bytes()

    def cut_power(self, folder: Path) -> Path:
        """Return a copy of ``folder`` as a power cut now would leave it."""
        copy = folder / "after"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        names = self._names.get(folder.resolve(), {})
        for name in ("events.journal", "reserved"):
            if name in names:
                (copy / name).write_bytes(self._kept.get(names[name], b""))
        return copy

    def after_a_power_cut(self, folder: Path) -> list[int]:
        """Return what a spool finds in the copy of ``folder`` that a power cut now would leave."""
        spool = Spool(self.cut_power(folder), BIG)
        found = sequences(spool)
        spool.close()
        return found


@pytest.fixture
def medium(monkeypatch: pytest.MonkeyPatch) -> Medium:
    return Medium(monkeypatch)


def test_a_power_cut_loses_only_what_was_not_forced_to_the_medium(
    tmp_path: Path, medium: Medium
) -> None:
    spool = filled(tmp_path, 2)
    assert medium.after_a_power_cut(tmp_path) == []
    spool.sync()
    assert medium.after_a_power_cut(tmp_path) == [1, 2]
    spool.append(3, b"message 3")
    assert medium.after_a_power_cut(tmp_path) == [1, 2]
    spool.close()
    assert medium.after_a_power_cut(tmp_path) == [1, 2, 3]


def test_only_what_is_new_and_waits_is_forced_to_the_medium(tmp_path: Path, medium: Medium) -> None:
    """A card wears out by it. That a message was delivered may be forgotten: it comes again."""

    def n_syncs() -> int:
        before = medium.n_syncs
        spool.sync()
        spool.sync()
        return medium.n_syncs - before

    spool = filled(tmp_path, 3)
    assert n_syncs() == 1
    spool.ack(1)
    assert n_syncs() == 0
    assert medium.after_a_power_cut(tmp_path) == [1, 2, 3]
    for sequence in (4, 5):
        spool.append(sequence, b"message")
    spool.ack(4)
    assert n_syncs() == 1
    assert medium.after_a_power_cut(tmp_path) == [2, 3, 5]
    spool.append(6, b"message")
    for sequence in (2, 3, 5, 6):
        spool.ack(sequence)
    assert n_syncs() == 0
    spool.close()


def test_what_was_forced_to_the_medium_stays_there_until_it_is_delivered(
    tmp_path: Path, rng: np.random.Generator, medium: Medium
) -> None:
    """Random appends, acknowledgements and syncs, in a file so small that it is often rewritten."""
    spool = Spool(tmp_path, 20_000)
    promised: set[int] = set()
    spool.append(1, b"first")
    for sequence in range(2, 400):
        file = (tmp_path / "events.journal").stat().st_ino
        spool.append(sequence, rng.bytes(int(rng.integers(1, 900))))
        if (tmp_path / "events.journal").stat().st_ino != file:
            n_syncs = medium.n_syncs
            spool.sync()
            assert medium.n_syncs == n_syncs, "a rewritten file was forced to the medium before"
        if rng.uniform() < 0.5:
            spool.ack(int(rng.choice(sequences(spool))))
        if rng.uniform() < 0.3:
            spool.sync()
            promised = set(sequences(spool))
        promised &= set(sequences(spool))
        assert set(medium.after_a_power_cut(tmp_path)) >= promised
    assert spool.n_lost > 0
    spool.close()


def test_memory_is_bounded_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    spool = Spool(tmp_path / "file" / "spool", 16_384)
    for sequence in range(1, 1001):
        spool.append(sequence, b"x" * 1000)
    assert spool.problem is not None
    assert sequences(spool) == list(range(993, 1001))
    assert spool.n_lost == 992
    spool.close()


def test_a_real_limit_of_the_kernel_on_file_size(tmp_path: Path) -> None:
    spool = filled(tmp_path, 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        spool.append(2, b"x" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert spool.problem is not None
    assert sequences(spool) == [1, 2]
    spool.close()


def test_two_processes_do_not_share_a_spool(tmp_path: Path) -> None:
    first = filled(tmp_path, 3)
    second = Spool(tmp_path, BIG)
    assert second.problem is not None
    assert "another edgespec" in second.problem
    assert len(second) == 0
    second.append(1, b"other")
    second.close()
    first.close()
    third = Spool(tmp_path, BIG)
    assert sequences(third) == [1, 2, 3]
    third.close()


def test_a_kill_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from edgespec.alarm.outbox.spool import Spool\n"
        "spool = Spool(pathlib.Path(sys.argv[1]), 1000000)\n"
        "for n in range(1, 100000):\n"
        "    spool.append(n, b'x' * 50)\n"
        "    print(n, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        for _ in range(50):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        said = [int(line) for line in process.stdout.read().split()]
    spool = Spool(tmp_path, BIG)
    kept = sequences(spool)
    assert kept == list(range(1, len(kept) + 1))
    assert len(kept) >= max(said, default=50)
    spool.close()


# --- O9: a sequence number never comes twice


@pytest.fixture
def boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the system says which run of it this is."""
    path = tmp_path / "boot_id"
    path.write_text("first\n")
    monkeypatch.setattr(reservation, "_BOOT_ID", path)
    return path


@pytest.mark.parametrize("n_messages", [1, 100, 2500])
@pytest.mark.parametrize("is_synced", [False, True])
def test_o9_confirmed_messages_keep_their_numbers_through_a_power_cut(
    tmp_path: Path, medium: Medium, boot: Path, n_messages: int, is_synced: bool
) -> None:
    folder = tmp_path / "spool"
    for run in range(3):
        spool = Spool(folder, BIG)
        for _ in range(n_messages):
            last = spool.last_sequence + 1
            spool.append(last, b"message")
            # The broker has it at once.
            spool.ack(last)
            if is_synced:
                spool.sync()
        copy = medium.cut_power(folder)
        boot.write_text(f"run {run}\n")
        again = Spool(copy, BIG)
        assert last <= again.last_sequence <= last + 2 * reservation.BLOCK
        again.close()
        spool._close_file()
        os.close(spool._lock)
        # The next run begins with what the power cut left.
        shutil.rmtree(folder.with_name("spool-next"), ignore_errors=True)
        copy.rename(folder.with_name("spool-next"))
        shutil.rmtree(folder)
        folder.with_name("spool-next").rename(folder)


def test_o9_after_a_kill_or_an_end_in_order_no_number_is_missing(
    tmp_path: Path, boot: Path
) -> None:
    spool = filled(tmp_path / "spool", 7)
    for sequence in range(1, 8):
        spool.ack(sequence)
    killed = tmp_path / "killed"
    shutil.copytree(tmp_path / "spool", killed)
    after = Spool(killed, BIG)
    assert after.last_sequence == 7
    after.close()
    spool.close()
    boot.write_text("next\n")
    after = Spool(tmp_path / "spool", BIG)
    assert after.last_sequence == 7
    after.close()


@pytest.mark.parametrize("content", [b"", b"x", b"9 ", b"-5 first", b"9" * 100 + b" x", b"\xff 1"])
def test_o9_a_damaged_reservation_costs_nothing(tmp_path: Path, boot: Path, content: bytes) -> None:
    spool = filled(tmp_path / "spool", 3)
    spool.close()
    (tmp_path / "spool" / "reserved").write_bytes(content)
    after = Spool(tmp_path / "spool", BIG)
    assert after.last_sequence == 3
    after.append(4, b"message")
    after.close()


def test_o9_a_new_journal_is_found_after_a_power_cut(tmp_path: Path, medium: Medium) -> None:
    """Its content is on the medium, and so is its name."""
    spool = filled(tmp_path, 2)
    spool.sync()
    assert (medium.cut_power(tmp_path) / "events.journal").exists()
    for sequence in range(3, 200):
        spool.append(sequence, b"x" * 1000)
        spool.ack(sequence)
    spool.ack(1)
    spool.ack(2)
    spool.append(200, b"new")
    spool.sync()
    assert medium.after_a_power_cut(tmp_path) == [200]
    spool.close()


# --- F6: a journal of any bytes


def test_f6_a_journal_of_forged_heads_is_read_in_bounded_time() -> None:
    """Each of 50,000 heads promises all that follows: reading that would be 25 GB."""
    data = bytearray()
    n_heads = 50_000
    for n in range(n_heads):
        left = 21 * (n_heads - n - 1)
        data += b"eJ1\n" + bytes([1]) + n.to_bytes(8, "little")
        data += left.to_bytes(4, "little") + b"\1\2\3\4"
    began_s = time.process_time()
    found = list(unpack(bytes(data) + pack(Record(Kind.EVENT, 7, b""))))
    assert time.process_time() - began_s < 5.0
    assert found[-1] == Record(Kind.EVENT, 7, b"")
    assert sum(item for item in found if isinstance(item, int)) == len(data)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_f6_a_journal_of_damaged_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    good = pack_all(Record(Kind.EVENT, n, b"message %d" % n) for n in range(1, 6))
    (folder / "events.journal").write_bytes(data.draw(st.binary() | mutated(good)))
    spool = Spool(folder, BIG)
    if spool.last_sequence < 2**62:
        spool.append(spool.last_sequence + 1, b"goes on")
        assert sequences(spool)[-1] == spool.last_sequence
    spool.close()


def test_o9_a_disk_that_takes_a_byte_at_a_time_gets_every_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short write is no error; half a number would be believed as another, or not at all."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, bytes(data[:1])))
    reservation.Reservation(tmp_path).cover(1234)
    monkeypatch.undo()
    assert reservation.Reservation(tmp_path).after_a_start(0) == 1234 + reservation.BLOCK

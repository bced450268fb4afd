"""The process that reads a radio, without one: what becomes of what it reads."""

import socket
from collections import deque
from typing import Any

import numpy as np
import pytest

from edgespec.sample_format import SampleFormat
from edgespec.sources.soapy.device import SettingError
from edgespec.sources.soapy.library import Library, SoapyError
from edgespec.sources.soapy.protocol import (
    FRAME_SAMPLES,
    HEADER_BYTES,
    Answer,
    FrameHeader,
    Job,
)
from edgespec.sources.soapy.server import serve, stream
from edgespec.sources.soapy.settings import SoapySettings

SETTINGS = SoapySettings("driver=x", 1e8, 1e6, 20.0, {"LNA": 3.0}, settings={"notch": "1"})


class ScriptedDevice:
    """Reads what a script says: a number of samples and samples lost before them, or a code."""

    sample_format = SampleFormat.CI16

    def __init__(self, script: list[tuple[int, int]]) -> None:
        self.script = iter(script)
        self.place = 0

    def read(self, out: np.ndarray, timeout_s: float) -> tuple[int, int | None]:
        n, n_lost = next(self.script, (-2, 0))
        if n <= 0:
            return n, None
        n = min(n, len(out))
        self.place += n_lost
        out[:n, 0] = out[:n, 1] = (self.place + np.arange(n)) % 30_011
        stamp_ns = self.place * 1000
        self.place += n
        return n, stamp_ns


def frames(device: ScriptedDevice) -> list[tuple[FrameHeader, np.ndarray]]:
    """Return what is sent of a device, each frame with its samples."""
    sent: list[bytes] = []
    why = stream(device, 1e6, lambda piece: sent.append(bytes(piece)))  # type: ignore[arg-type]
    assert "readStream returns -2" in why
    headers = [FrameHeader.decode(piece) for piece in sent[::2]]
    samples = [np.frombuffer(piece, np.int16).reshape(-1, 2)[:, 0] for piece in sent[1::2]]
    assert [header.n_samples for header in headers] == [len(part) for part in samples]
    return list(zip(headers, samples, strict=True))


def test_any_division_into_reads_gives_the_same_samples(rng: np.random.Generator) -> None:
    script = [(100, 0)]
    for _ in range(300):
        kind = int(rng.integers(0, 12))
        if kind == 0:
            script.append((int(rng.choice([-1, 0])), 0))
        else:
            n_lost = int(rng.integers(1, 999)) if kind == 1 else 0
            script.append((int(rng.integers(1, 9000)), n_lost))
    device, place = ScriptedDevice(script), 0
    for header, samples in frames(device):
        assert 0 < header.n_samples <= FRAME_SAMPLES
        place += header.n_lost
        np.testing.assert_array_equal(samples, (place + np.arange(len(samples))) % 30_011)
        place += len(samples)
    assert place == device.place


def test_what_stands_behind_a_gap_is_a_frame_of_its_own() -> None:
    found = [
        (h.n_lost, h.is_known, h.n_samples)
        for h, _ in frames(ScriptedDevice([(10, 0), (20, 7), (30, 0)]))
    ]
    assert found == [(0, True, 10), (7, True, 50)]


def test_a_pause_sends_what_there_is() -> None:
    assert [
        header.n_samples for header, _ in frames(ScriptedDevice([(10, 0), (-1, 0), (20, 0)]))
    ] == [10, 20]


@pytest.mark.parametrize("code", [-3, -5, -99])
def test_what_is_no_wait_and_no_loss_ends_the_stream(code: int) -> None:
    sent: list[Any] = []
    why = stream(ScriptedDevice([(5, 0), (code, 0)]), 1e6, sent.append)  # type: ignore[arg-type]
    assert str(code) in why
    assert len(sent) == 2


class TunedDevice(ScriptedDevice):
    """One that is tuned, but not above 2 GHz."""

    def __init__(self, script: list[tuple[int, int]]) -> None:
        super().__init__(script)
        self.tuned: list[tuple[float, int]] = []

    def tune(self, center_freq_hz: float) -> None:
        if center_freq_hz > 2e9:
            raise SettingError("it tunes to 2e9")
        self.tuned.append((center_freq_hz, self.place))


def test_it_is_tuned_between_reads_and_ends_where_it_cannot_be() -> None:
    # A pause sends what there is; then it is told where to tune to.
    device = TunedDevice([(100, 0), (-1, 0), (100, 0)])
    tunings = deque([1e9])

    def send(piece: object) -> None:
        tunings.append(3e9)

    why = stream(device, 1e6, send, tunings=tunings)  # type: ignore[arg-type]
    assert why == "it cannot be tuned: it tunes to 2e9"
    assert device.tuned == [(1e9, 0)]
    assert device.place == 100


def test_messages_round_trip() -> None:
    for wanted in (None, SampleFormat.CI8):
        job = Job(SETTINGS, wanted)
        assert Job.decode(job.encode()) == job
    for answer in (Answer(SampleFormat.CU8), Answer(error="a\nb", is_for_good=True)):
        assert answer.encode().count(b"\n") == 1
        assert Answer.decode(answer.encode()) == answer
    header = FrameHeader(2**40, False, FRAME_SAMPLES)
    assert len(header.encode()) == HEADER_BYTES
    assert FrameHeader.decode(header.encode()) == header


def test_a_library_that_is_not_there_says_what_to_install() -> None:
    with pytest.raises(SoapyError, match=r"libNone.so cannot be loaded .* apt install"):
        Library("libNone.so")
    # Another one has other functions.
    with pytest.raises(SoapyError, match=r"libc.so.6 cannot be loaded"):
        Library("libc.so.6")


def test_what_fails_at_opening_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Library:
        raise SoapyError("no library " + 1000 * "x")

    monkeypatch.setattr("edgespec.sources.soapy.server.Library", missing)
    here, there = socket.socketpair()
    with here, there:
        serve(there, Job(SETTINGS, None))
        answer = Answer.decode(here.recv(4096))
    assert answer.error.startswith("no library")
    assert len(answer.error) == 400
    assert not answer.is_for_good

"""Bands without a cell: what is sent there looks as it should, and is the same each time."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from edgespec.errors import UsageError
from edgespec.simulate.config import SERVICE_NAMES, ChannelConfig, SceneConfig, UplinkConfig
from edgespec.simulate.numerology import FRAME_SAMPLES
from edgespec.simulate.scene import Scene
from edgespec.simulate.services.sender import SERVICES, ServiceSender
from edgespec.simulate.wanted import wanted_power

N_FRAMES = 12
QUIET = SceneConfig(5e6, channel=ChannelConfig("flat", rician_k_db=100.0, snr_db=60.0))


def sent(name: str, seed: int = 3, n_frames: int = N_FRAMES) -> np.ndarray:
    sender = ServiceSender(name, seed)
    out = np.empty(FRAME_SAMPLES, np.complex64)
    return np.concatenate([sender.next_iq([], out).copy() for _ in range(n_frames)])


def envelope_of_the_strongest(x: np.ndarray, width_hz: float) -> np.ndarray:
    """The size of the samples of the strongest channel of a width."""
    spectrum = np.fft.fft(x)
    n = round(width_hz / 7.68e6 * len(x))
    sums = np.cumsum(np.abs(np.fft.fftshift(spectrum)) ** 2)
    first = int((sums[n:] - sums[:-n]).argmax()) + 1
    inside = np.zeros_like(spectrum)
    inside[first : first + n] = np.fft.fftshift(spectrum)[first : first + n]
    return np.abs(np.fft.ifft(np.fft.ifftshift(inside)))[1000:-1000]


def test_every_service_has_a_name() -> None:
    assert tuple(SERVICES) == SERVICE_NAMES


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_equal_seeds_give_equal_samples_and_others_do_not(name: str) -> None:
    assert np.array_equal(sent(name), sent(name))
    assert not np.array_equal(sent(name), sent(name, seed=4))


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_the_strongest_has_power_one_while_it_is_on(name: str) -> None:
    # Over several seeds: who is the strongest may be silent for a while.
    levels = [np.quantile(np.abs(sent(name, seed)) ** 2, 0.999) for seed in range(4)]
    assert 0.7 < np.median(levels) < 12.0
    config = replace(QUIET, service=name)
    assert wanted_power(config, 3, 0.01, 0.2) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("name", "width_hz"), [("gsm", 250e3), ("fm", 300e3)])
def test_the_envelope_of_gsm_and_fm_is_constant(name: str, width_hz: float) -> None:
    size = envelope_of_the_strongest(sent(name), width_hz)
    assert size.std() < 0.2 * size.mean()


@pytest.mark.parametrize("name", ["meters", "hoppers", "transponders"])
def test_bursts_come_and_go(name: str) -> None:
    power = np.abs(sent(name).reshape(-1, 960)) ** 2
    busy = power.mean(axis=1) > 1e-6
    assert 0.02 < busy.mean() < 0.98
    assert np.count_nonzero(np.diff(busy)) >= 6


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_frames_follow_each_other_without_a_click(name: str) -> None:
    x = sent(name)
    step = np.abs(np.diff(x))
    at_edges = step[FRAME_SAMPLES - 1 :: FRAME_SAMPLES]
    assert np.quantile(at_edges, 0.5) <= 1.5 * np.quantile(step, 0.99) + 1e-6


def test_a_scene_has_the_service_in_place_of_the_cell() -> None:
    x = Scene(replace(QUIET, service="gsm"), 3).read(200_000)
    other = Scene(QUIET, 3).read(200_000)
    assert not np.array_equal(x, other)
    scene = Scene(replace(QUIET, service="meters"), 3)
    scene.read(70_000)
    branch = scene.branch()
    assert np.array_equal(branch.read(90_000), scene.read(90_000))


@pytest.mark.parametrize(
    "changes", [{"service": "radar"}, {"service": "gsm", "uplink": UplinkConfig()}]
)
def test_what_cannot_be_is_refused(changes: dict[str, object]) -> None:
    make: Callable[..., SceneConfig] = SceneConfig
    with pytest.raises(UsageError, match="service"):
        make(**changes)

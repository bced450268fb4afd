"""Simulated recordings as SigMF pairs: training data for models, and files for tests."""

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sigmf import SigMFFile

from converter.simulate.mixture import Mixture, vary
from edgespec import __version__
from edgespec.errors import UsageError
from edgespec.records import SampleFormat
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    ReceiverConfig,
    SceneConfig,
)
from edgespec.simulate.scene import Annotation, Scene

__all__ = ["RecordingSpec", "training_specs", "write_recordings"]

_DATATYPE = {
    SampleFormat.CF32: "cf32_le",
    SampleFormat.CU8: "cu8",
    SampleFormat.CI8: "ci8",
    SampleFormat.CI16: "ci16_le",
}
_CHUNK_SAMPLES = 500_000
_EXTENSION_VERSION = "0.1.0"


@dataclass(frozen=True, slots=True)
class RecordingSpec:
    """One recording to be made; equal specs give equal files."""

    name: str
    scene: SceneConfig
    seed: int
    duration_s: float
    center_freq_hz: float = 0.0
    context: str = ""

    @property
    def n_samples(self) -> int:
        """Samples of the recording."""
        return round(self.duration_s * self.scene.sample_rate_hz)


@dataclass(frozen=True, slots=True)
class _Context:
    """How an observer moves: largest Doppler shift, direct path and profiles it meets."""

    name: str
    doppler_hz: tuple[float, float]
    rician_k_db: tuple[float, float] | None
    profiles: tuple[str, ...]


#: Standing, 3 mph and 25 mph at carriers of 0.7 to 2.6 GHz (Li et al. 2019, sec. 5.1).
_CONTEXTS = (
    _Context("static", (0.0, 0.0), (6.0, 15.0), ("epa", "eva")),
    _Context("walk", (3.0, 12.0), (0.0, 10.0), ("epa", "eva")),
    _Context("drive", (26.0, 97.0), None, ("eva",)),
)


def training_specs(
    n_observers: int,
    duration_s: float,
    sample_rate_hz: float,
    seed: int,
    receiver: ReceiverConfig | None = None,
    mixture: Mixture | None = None,
) -> list[RecordingSpec]:
    """Return what ``n_observers`` hear without any interferer, one recording each.

    Static, walking and driving observers take turns, so any number of them is a mixture. Each
    has its own cell (identity, load, users, ports, scheduler), SNR of 5 to 30 dB, channel profile
    and level. A ``mixture`` adds to that what its shares say; None adds nothing.

    Raises:
        UsageError: there is nothing to record.
    """
    if n_observers < 1 or not duration_s > 0:
        raise UsageError(
            f"{n_observers} observers of {duration_s:g} s record nothing; take at least 1 and a "
            "positive duration"
        )
    rng = np.random.default_rng(seed)
    specs = []
    for i in range(n_observers):
        context = _CONTEXTS[i % len(_CONTEXTS)]
        scene = _draw_scene(context, sample_rate_hz, receiver or ReceiverConfig(), rng)
        name = f"sim-{context.name}-{i:03d}"
        scene_seed = int(rng.integers(2**31))
        if mixture is not None:
            # Draws of its own: the plain ones are the same with any mixture.
            scene = vary(scene, context.name, mixture, np.random.default_rng((seed, i)))
        specs.append(RecordingSpec(name, scene, scene_seed, duration_s, context=context.name))
    return specs


def write_recordings(
    out_dir: Path,
    specs: Sequence[RecordingSpec],
    progress: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write each recording as ``NAME.sigmf-data`` and ``NAME.sigmf-meta``; return the latter.

    Args:
        out_dir: folder, made if need be; files of the same name are written over.
        specs: what to record.
        progress: called with the number of samples written since the last call.

    Raises:
        UsageError: the folder cannot be written to, or two recordings have one name.
    """
    names = [spec.name for spec in specs]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise UsageError(f"two recordings are named {doubled[0]!r}; give each its own name")
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        return [_write(out_dir, spec, progress) for spec in specs]
    except OSError as error:
        raise UsageError(
            f"cannot write recordings to {out_dir}: {error.strerror}: choose another folder or "
            "make room"
        ) from error


def _write(out_dir: Path, spec: RecordingSpec, progress: Callable[[int], None] | None) -> Path:
    scene = Scene(spec.scene, spec.seed)
    receiver = spec.scene.receiver
    data_path = out_dir / f"{spec.name}.sigmf-data"
    digest = hashlib.sha512()
    buffer = receiver.sample_format.empty(min(_CHUNK_SAMPLES, spec.n_samples))
    n_left = spec.n_samples
    with data_path.open("wb") as file:
        while n_left:
            chunk = buffer[: min(n_left, len(buffer))]
            scene.read_into(chunk)
            octets = chunk.tobytes()
            digest.update(octets)
            file.write(octets)
            n_left -= len(chunk)
            if progress is not None:
                progress(len(chunk))
    meta_path = out_dir / f"{spec.name}.sigmf-meta"
    _metadata(spec, scene.annotations(spec.n_samples), digest.hexdigest()).tofile(
        str(meta_path), overwrite=True
    )
    return meta_path


def _metadata(spec: RecordingSpec, annotations: list[Annotation], sha512: str) -> SigMFFile:
    scene = spec.scene
    meta = SigMFFile(
        global_info={
            "core:datatype": _DATATYPE[scene.receiver.sample_format],
            "core:sample_rate": scene.sample_rate_hz,
            "core:num_channels": 1,
            "core:sha512": sha512,
            "core:author": f"edgespec {__version__}",
            "core:recorder": "edgespec-converter simulate",
            "core:description": _describe(spec),
            "core:extensions": [
                {"name": "edgespec", "version": _EXTENSION_VERSION, "optional": True}
            ],
            "edgespec:seed": spec.seed,
            "edgespec:context": spec.context,
        }
    )
    meta.add_capture(0, metadata={"core:frequency": spec.center_freq_hz})
    rng = np.random.default_rng(spec.seed)
    for item in annotations:
        meta.add_annotation(
            item.sample_start,
            length=item.sample_count,
            metadata={
                "core:freq_lower_edge": spec.center_freq_hz + item.freq_lower_hz,
                "core:freq_upper_edge": spec.center_freq_hz + item.freq_upper_hz,
                "core:label": item.label,
                "core:comment": item.comment,
                "core:generator": f"edgespec {__version__}",
                "core:uuid": str(uuid.UUID(bytes=rng.bytes(16), version=4)),
                **({} if item.isr_db is None else {"edgespec:isr_db": item.isr_db}),
                "edgespec:duty": item.duty,
            },
        )
    return meta


def _describe(spec: RecordingSpec) -> str:
    cell, channel, receiver = spec.scene.cell, spec.scene.channel, spec.scene.receiver
    uplink = spec.scene.uplink
    k = "Rayleigh" if channel.rician_k_db is None else f"Rician K {channel.rician_k_db:.1f} dB"
    sent = (
        f"PCI {cell.pci}, load {cell.load:.2f}, {cell.n_users} users, {cell.n_ports} ports, "
        f"{cell.scheduler}"
    )
    if uplink is not None:
        sent = (
            f"load {uplink.load:.2f}, {uplink.n_users} users, gains within "
            f"{uplink.gain_sigma_db:.0f} dB"
        )
    extras = [f"neighbour at {n.level_db:.1f} dB" for n in spec.scene.neighbours]
    if channel.shadow_db:
        extras.append(f"shadowing of {channel.shadow_db:.1f} dB over {channel.shadow_s:.0f} s")
    if receiver.agc_every_s:
        extras.append(f"gain steps about each {receiver.agc_every_s:.1f} s")
    return (
        f"SIMULATED LTE-like {'downlink' if uplink is None else 'uplink'} of 5 MHz, not a "
        f"recording; seed {spec.seed}, {spec.context or 'single'} observer, {sent}, "
        f"{channel.profile}, Doppler {channel.doppler_hz:.1f} Hz, {k}, SNR {channel.snr_db:.1f} "
        f"dB, CFO {channel.cfo_hz:.0f} Hz, {receiver.adc_bits}-bit converter, full cell at "
        + ", ".join([f"{receiver.level_dbfs:.1f} dBFS", *extras])
    )


def _draw_scene(
    context: _Context, sample_rate_hz: float, receiver: ReceiverConfig, rng: np.random.Generator
) -> SceneConfig:
    cell = CellConfig(
        pci=int(rng.integers(504)),
        load=float(rng.uniform(0.05, 0.95)),
        n_users=int(rng.integers(2, 20)),
        n_ports=int(rng.integers(1, 3)),
        scheduler=str(rng.choice(["proportional-fair", "round-robin"])),
        user_spread_db=float(rng.uniform(0.0, 2.5)),
    )
    k_db = None if context.rician_k_db is None else float(rng.uniform(*context.rician_k_db))
    channel = ChannelConfig(
        profile=str(rng.choice(context.profiles)),
        doppler_hz=float(rng.uniform(*context.doppler_hz)),
        rician_k_db=k_db,
        snr_db=float(rng.uniform(5.0, 30.0)),
        cfo_hz=float(rng.uniform(-500.0, 500.0)),
    )
    level_dbfs = receiver.level_dbfs + float(rng.uniform(-6.0, 3.0))
    return SceneConfig(sample_rate_hz, cell, channel, replace(receiver, level_dbfs=level_dbfs))

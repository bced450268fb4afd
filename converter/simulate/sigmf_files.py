"""Simulated recordings as SigMF pairs: training data for models, and files for tests."""

import hashlib
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sigmf import SigMFFile

from converter.simulate.specs import RecordingSpec, check_names
from edgespec import __version__
from edgespec.errors import UsageError
from edgespec.simulate.scene import Annotation, Scene

__all__ = ["write_recording", "write_recordings"]

_CHUNK_SAMPLES = 500_000
_EXTENSION_VERSION = "0.1.0"


def write_recordings(
    out_dir: Path,
    specs: Sequence[RecordingSpec],
    progress: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write each recording as :func:`write_recording` does; return the paths of the metadata.

    Raises:
        UsageError: the folder cannot be written to, or two recordings have one name.
    """
    check_names(specs)
    return [write_recording(out_dir, spec, progress) for spec in specs]


def write_recording(
    out_dir: Path, spec: RecordingSpec, progress: Callable[[int], None] | None = None
) -> Path:
    """Write ``NAME.sigmf-data`` and ``NAME.sigmf-meta``; return the path of the latter.

    Args:
        out_dir: folder, made if need be; files of the same name are written over.
        spec: what to record.
        progress: called with the number of samples written since the last call.

    Raises:
        UsageError: the folder cannot be written to.
    """
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        return _write(out_dir, spec, progress)
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
            "core:datatype": scene.receiver.sample_format.datatype,
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
    link = "downlink" if uplink is None else "uplink"
    tdd = spec.scene.tdd
    if tdd is not None:
        link = f"time division {tdd.pattern} with special subframe {tdd.special}"
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
        f"SIMULATED LTE-like {link} of 5 MHz, not a recording; seed {spec.seed}, "
        f"{spec.context or 'single'} observer, {sent}, {channel.profile}, "
        f"Doppler {channel.doppler_hz:.1f} Hz, {k}, SNR {channel.snr_db:.1f} dB, "
        f"CFO {channel.cfo_hz:.0f} Hz, {receiver.adc_bits}-bit converter, full cell at "
        + ", ".join([f"{receiver.level_dbfs:.1f} dBFS", *extras])
    )

"""Interferers and faults added to what observers hear."""

from collections.abc import Sequence
from dataclasses import replace

from converter.simulate.specs import RecordingSpec
from edgespec.errors import UsageError
from edgespec.simulate.config import FaultConfig, InterfererConfig

__all__ = ["with_additions"]


def with_additions(
    specs: Sequence[RecordingSpec],
    interferers: Sequence[InterfererConfig] = (),
    faults: Sequence[FaultConfig] = (),
) -> list[RecordingSpec]:
    """Return the recordings with the same interferers and faults in each.

    Raises:
        UsageError: one of them would begin behind the end of a recording.
    """
    starts = {item.kind: item.start_s for item in interferers}
    starts |= {item.kind: item.start_s for item in faults}
    for spec in specs:
        for kind, start_s in starts.items():
            if start_s >= spec.duration_s:
                raise UsageError(
                    f"{kind} begins at {start_s:g} s, but {spec.name} ends at "
                    f"{spec.duration_s:g} s: begin earlier or record longer"
                )
    return [
        replace(
            spec,
            scene=replace(
                spec.scene,
                interferers=(*spec.scene.interferers, *interferers),
                faults=(*spec.scene.faults, *faults),
            ),
        )
        for spec in specs
    ]

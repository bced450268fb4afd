"""Which segments of an observer are warm-up or normal, and where its stretches lie."""

from dataclasses import dataclass
from math import ceil, floor

from converter.lab.experiment import Detection
from converter.lab.measures.windows.stretch_layout import Layout
from edgespec.errors import UsageError
from edgespec.framing import Recipe

__all__ = ["ObserverPlan", "Slot"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch to be made: its number, its first segment, and what will be on the air.

    ``text`` is a kind of interferer, or with ``is_fault`` a fault as an experiment file writes it.
    """

    number: int
    segment: int
    text: str
    is_fault: bool


@dataclass(frozen=True, slots=True)
class ObserverPlan:
    """Numbers of segments in the observer's grid.

    The first ``n_warmup`` are the warm-up. Those that share frames with it are passed over; normal
    ones go from ``first_normal`` to before ``n_segments``. The stretches of ``slots`` lie among the
    normal ones, so every segment of a stretch has its clean twin of the same number there. Every
    kind and fault has stretches of its own, so that chance in what the traffic does then is not
    shared by a whole table; all of them are evenly spread, may overlap, and are in order of time.
    """

    layout: Layout
    n_warmup: int
    first_normal: int
    n_segments: int
    slots: tuple[Slot, ...]

    @classmethod
    def of(cls, recipe: Recipe, detection: Detection, *, inject: bool) -> "ObserverPlan":
        """Return the plan of a detection part.

        Raises:
            UsageError: the warm-up has fewer than 4 segments, or the stretches of one kind do not
                fit into the normal signal side by side.
        """
        layout = Layout.of(recipe, detection.persistent_s, detection.lasting_s)
        n_warmup = ceil(detection.warmup_s / recipe.geometry.hop_s - 1e-9)
        n_normal = floor(detection.normal_s / recipe.geometry.hop_s + 1e-9)
        n_stretches = detection.n_stretches if inject else 0
        n_needed = max(n_stretches * layout.n_segments, 1)
        if n_warmup < 4:
            raise UsageError(
                f"warmup_s of detection {detection.name!r} is {detection.warmup_s:g}, which is "
                f"{n_warmup} segments; it takes at least 4: {4 * recipe.geometry.hop_s:.3g} s"
            )
        if n_normal < n_needed:
            raise UsageError(
                f"normal_s of detection {detection.name!r} is {detection.normal_s:g}, which is "
                f"{n_normal} segments; {n_stretches} stretches take {n_needed}: "
                f"{n_needed * recipe.geometry.hop_s:.3g} s"
            )
        first = n_warmup + ceil(recipe.geometry.n_segment / recipe.hop_frames) - 1
        wanted = [(kind, False) for kind in detection.kinds]
        wanted += [(fault, True) for fault in detection.faults]
        wanted *= n_stretches
        last_place = n_normal - layout.n_segments
        slots = tuple(
            Slot(number, first + number * last_place // max(len(wanted) - 1, 1), *what)
            for number, what in enumerate(wanted)
        )
        return cls(layout, n_warmup, first, first + n_normal, slots)

    @property
    def starts(self) -> tuple[int, ...]:
        """The first segments of all stretches, in order, each once."""
        return tuple(sorted({slot.segment for slot in self.slots}))

    def mode(self, segment: int) -> str:
        """Return the mode of a clean segment, empty for those that are passed over."""
        if segment < self.n_warmup:
            return "warmup"
        return "normal" if segment >= self.first_normal else ""

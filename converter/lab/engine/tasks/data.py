"""Steps that make data: one simulated observer, and the index of many of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from converter.lab.engine.folder import WorkFolder
from converter.lab.engine.task import Task
from converter.simulate.specs import RecordingSpec
from edgespec.framing import Recipe
from edgespec.option import about

__all__ = ["AssembleDataset", "SimulateObserver"]


@dataclass(frozen=True, slots=True)
class SimulateObserver(Task):
    """One observer of a data set as frames on disk."""

    dataset: str
    spec: RecordingSpec
    recipe: Recipe = field(metadata=about("How samples become segments", key="geometry"))

    @property
    def name(self) -> str:
        """``simulate.DATASET.OBSERVER``."""
        return f"simulate.{self.dataset}.{self.spec.name}"

    @property
    def needs(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    @property
    def weight(self) -> float:
        """A core simulates nearly three seconds in a second."""
        return 0.36 * self.spec.duration_s

    def output(self, folder: WorkFolder) -> Path:
        """Return the shard."""
        return folder.data(self.dataset) / f"{self.spec.name}.npz"

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Simulate; return what the index wants to know."""
        from converter.simulate.frames import prepare_simulated

        return asdict(prepare_simulated(self.spec, out.parent, self.recipe))


@dataclass(frozen=True, slots=True)
class AssembleDataset(Task):
    """The index of a data set; ``shards`` are tasks and the split of each."""

    is_index: ClassVar[bool] = True

    dataset: str
    shards: tuple[tuple[str, str], ...]
    recipe: Recipe = field(metadata=about("How samples become segments", key="geometry"))

    @property
    def name(self) -> str:
        """``dataset.DATASET``."""
        return f"dataset.{self.dataset}"

    @property
    def needs(self) -> tuple[str, ...]:
        """The shards."""
        return tuple(task for task, _ in self.shards)

    @property
    def weight(self) -> float:
        """Next to nothing."""
        return 0.1

    def output(self, folder: WorkFolder) -> Path:
        """Return the index."""
        return folder.data(self.dataset) / "dataset.json"

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Write the index."""
        from converter.data.dataset import save_dataset
        from converter.data.ingest import PreparedRecording, split_recording
        from converter.data.splits import Split

        recordings = [PreparedRecording(**folder.finished(task).facts) for task, _ in self.shards]
        splits = (split for _, split in self.shards)
        of_recording = {r.name: split for r, split in zip(recordings, splits, strict=True)}
        split = Split({"kind": "observer"}, of_recording)
        parts = [p for r in recordings for p in split_recording(r, split, self.recipe.geometry)]
        dataset = save_dataset(out.parent, self.recipe, tuple(parts), split.method)
        seconds = sum(part.n_frames for part in parts) * self.recipe.geometry.frame_s
        return {"sha256": dataset.sha256, "recordings": len(parts), "seconds": round(seconds, 3)}

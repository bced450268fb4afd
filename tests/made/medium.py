"""A disk that keeps what was forced to it, and of the rest what it likes."""

import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Medium"]


class Medium:
    """Follows what is written below a folder, and says what a power cut may leave of it.

    Content is kept once its file was forced; before that it is empty. A name is kept once its
    folder was forced; before that, each rename and each removal since may have happened or not.

    Args:
        folder: that is followed, empty.
        monkeypatch: of the test.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._forced: dict[int, bytes] = {}
        self._names: dict[Path, int] = {}
        #: Of each folder: names that got another file since it was forced, or none.
        self._pending: list[tuple[Path, int | None]] = []
        #: What the medium may hold after each step: a content by each name.
        self.cuts: list[dict[Path, bytes]] = []
        for name in ("fsync", "replace", "unlink"):
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))

    def _watched(self, name: str, real: Any) -> Any:
        def call(*given: Any, **more: Any) -> None:
            step = getattr(self, f"_{name}")(*given)
            real(*given, **more)
            if step is not None:
                step()
            self.cuts.extend(self._possible())

        return call

    def _fsync(self, file: int) -> None:
        target = Path(f"/proc/self/fd/{file}").resolve()
        if not target.is_dir():
            self._forced[os.fstat(file).st_ino] = target.read_bytes()
            return
        for path, inode in [one for one in self._pending if one[0].parent == target]:
            self._put(self._names, path, inode)
            self._pending.remove((path, inode))

    def _replace(self, source: Any, target: Any) -> None:
        self._pending.append((Path(target), Path(source).stat().st_ino))

    def _unlink(self, path: Any) -> None:
        if os.path.lexists(path):
            self._pending.append((Path(path), None))

    @staticmethod
    def _put(names: dict[Path, int], path: Path, inode: int | None) -> None:
        if inode is None:
            names.pop(path, None)
        else:
            names[path] = inode

    def _possible(self) -> Iterator[dict[Path, bytes]]:
        for chosen in product((False, True), repeat=len(self._pending)):
            names = dict(self._names)
            for (path, inode), happened in zip(self._pending, chosen, strict=True):
                if happened:
                    self._put(names, path, inode)
            yield {
                path.relative_to(self._folder): self._forced.get(inode, b"")
                for path, inode in names.items()
            }

    @staticmethod
    def lay(content: dict[Path, bytes], folder: Path) -> None:
        """Write what a medium holds into another folder."""
        for path, data in content.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)

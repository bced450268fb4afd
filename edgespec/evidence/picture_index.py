"""Which picture shows an event: what the recordings on the shelf say of themselves."""

import re
from pathlib import Path

__all__ = ["PictureIndex"]

_PICTURE = ".png"
_METAS = (".sigmf-meta", ".sweeps.json")
#: By what the metadata of a recording names its events.
_EVENT = re.compile(rb'"(?:core:uuid|event_id)":\s*"([^"\\]{1,64})"')
_MOST_BYTES = 1 << 20


class PictureIndex:
    """Finds pictures by the ids of the events that are in them; for one thread at a time.

    Metadata is read once, while its picture is there.

    Args:
        folder: of the shelf; it need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._events: dict[str, tuple[str, ...]] = {}

    def refresh(self) -> dict[str, Path]:
        """Return the picture of each event that has one, the newest where there are several."""
        try:
            names = sorted(path.name for path in self._folder.glob(f"[!.]*{_PICTURE}"))
        except OSError:
            names = []
        self._events = {name: self._events.get(name) or self._read(name) for name in names}
        return {
            event_id: self._folder / name
            for name, event_ids in self._events.items()
            for event_id in event_ids
        }

    def _read(self, name: str) -> tuple[str, ...]:
        for ending in _METAS:
            try:
                with (self._folder / f"{name.removesuffix(_PICTURE)}{ending}").open("rb") as file:
                    found = _EVENT.findall(file.read(_MOST_BYTES))
            except OSError:
                continue
            return tuple(one.decode("ascii", "replace") for one in found)
        return ()

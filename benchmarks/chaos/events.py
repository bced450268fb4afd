"""Power cuts at the bytes of what an observer keeps of its events, and of what people said."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.chaos.cuts import cut_at, places, replaced_trial
from benchmarks.chaos.trial import Trial
from edgespec.alerts.decisions import NOTHING, Decisions, DecisionsFile
from edgespec.alerts.incidents import IncidentTable, incidents_path, load_incidents
from edgespec.alerts.mute import Mute
from edgespec.history.events import event_row
from edgespec.history.opening import history_path
from edgespec.history.past import Past
from edgespec.history.store import Store
from edgespec.newfile import replace_file
from edgespec.records import Change, Event, EventType
from edgespec.wire.event import EventMessage

__all__ = ["event_files"]

#: So many events fill the log of the database more than once.
_N_EVENTS, _CUT_BYTES, _MOST_BYTES = 60, 1_200_000, 10_000_000
_TONE = Event(
    "e", EventType.END, "lower", 10**18, 10**18 + 10**9, 0, 10, 8e8, 8.01e8, 8.005e8, -40.0,
    Change.GAIN, 12.0, 9.0, "zscore", 3.0, 2.0, 0.8, "tone",
)  # fmt: skip


def event_files(folder: Path, most: int) -> list[Trial]:
    """Cut at up to ``most`` bytes of each."""
    return [
        _history(folder / "history", most),
        _incidents(folder / "incidents", most),
        _decisions(folder / "decisions", most),
    ]


def _history(folder: Path, most: int) -> Trial:
    """What was said to be kept before the cut is there afterwards, and the next event, too."""
    n_said = n_lost = n_cuts = 0
    in_order = True
    for number, at in enumerate(places(_CUT_BYTES, most)):
        path = folder / str(number)

        def keep(store: Store, number: int) -> None:
            message = EventMessage(replace(_TONE, event_id=f"e{number}"), "pi", 0)
            store.keep([event_row(message)], at_once=True)

        def work(say: Callable[[int], None], path: Path = path) -> None:
            store = Store(history_path(path), _MOST_BYTES, 400.0)
            for event in range(_N_EVENTS):
                keep(store, event)
                say(event)
            store.close()

        said, was_cut = cut_at(at, work)
        n_cuts += was_cut
        store = Store(history_path(path), _MOST_BYTES, 400.0)
        keep(store, 255)
        store.close()
        found = [int(message.event.event_id[1:]) for message in Past(path).events()]
        wanted = [*said, 255]
        n_said += len(wanted)
        n_lost += len(set(wanted) - set(found))
        in_order = in_order and found == sorted(found)
    name = "power cut at bytes of the history"
    return Trial(name, n_cuts, n_said, n_lost, in_order=in_order,
                 failed=f"{n_lost} of {n_said} lost" * bool(n_lost))  # fmt: skip


def _incidents(folder: Path, most: int) -> Trial:
    table, path = IncidentTable({}), incidents_path(folder)
    table.take(_TONE)
    old = table.content()
    table.take(replace(_TONE, event_id="e2", start_ns=2 * 10**18, end_ns=2 * 10**18 + 10**9))
    new = table.content()
    path.parent.mkdir(parents=True)

    def work(say: Callable[[int], None]) -> None:
        replace_file(path, new)

    def is_good() -> bool:
        return [incident.n_events for incident in load_incidents(path)] in ([1], [2])

    return replaced_trial("incidents", path, old, work, is_good, most)


def _decisions(folder: Path, most: int) -> Trial:
    """A mute beside another one: one of them or both are there, and the next is taken."""
    file = DecisionsFile(folder)

    def mute(name: str) -> Callable[[Decisions], tuple[Decisions, None]]:
        return lambda found: (found.mute(Mute(name, 0, 1 << 62, "lower")), None)

    def work(say: Callable[[int], None]) -> None:
        DecisionsFile(folder).change(mute("second"), 0)

    def is_good() -> bool:
        found = [one.id for one in DecisionsFile(folder).read().mutes]
        # Whoever died in the middle holds no lock.
        DecisionsFile(folder).change(lambda now: (now.without("second"), None), 0)
        return found in (["first"], ["first", "second"]) and file.read() != NOTHING

    file.change(mute("first"), 0)
    path = folder / "decisions.json"
    return replaced_trial(
        "what people said of events", path, path.read_bytes(), work, is_good, most
    )

"""Slots that are kept come back as they were, only together."""

import numpy as np

from edgespec.lte.reference_slots import ReferenceSlots
from edgespec.observer.cell.slot_batch import SlotBatch
from tests.made.levels import slots_of, still

NAMES = ("product", "power", "count", "slot", "flags", "tick_start")


def test_batches_hold_all_slots_in_order(rng: np.random.Generator) -> None:
    slots = slots_of(still(200), rng)
    batch, given, at = SlotBatch(40, 13), [], 0
    for size in [13, 0, 12, *[13] * 13]:
        parts = {name: getattr(slots, name)[at : at + size].copy() for name in NAMES}
        at += size
        found = batch.add(ReferenceSlots(**parts, grid=slots.grid, span=slots.span))
        for one in parts.values():
            one[:] = 0
        if found is not None:
            assert 40 <= found.n_slots < 40 + 13
            given.append({name: getattr(found, name).copy() for name in NAMES})
    n_given = sum(len(one["slot"]) for one in given)
    assert n_given > at - 40
    for name in NAMES:
        together = np.concatenate([one[name] for one in given])
        np.testing.assert_array_equal(together, getattr(slots, name)[:n_given])

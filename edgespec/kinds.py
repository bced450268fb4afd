"""What events are called, and what a person should do about each: advice, never a transmission."""

__all__ = [
    "ADVICE",
    "CARRIERS_DOWN",
    "CELL_LOST",
    "CHIRP",
    "DEAF",
    "DRIFT",
    "DROPPED",
    "GAIN_STEP",
    "HOP",
    "LTE_LIKE",
    "MISSING",
    "MODEL_TAKEN_BACK",
    "NARROWBAND",
    "NEW_CELL",
    "NOISE_FLOOR_RAISED",
    "OVERLOAD",
    "OVER_MASK",
    "POWER_STEP",
    "PULSE",
    "RECEIVER",
    "SIGNAL_LOST",
    "SWEEP",
    "TEST",
    "THROTTLED",
    "TONE",
    "UNDERVOLTAGE",
    "UNKNOWN",
    "WIDEBAND",
    "advice_for",
]

TONE, NARROWBAND, WIDEBAND, LTE_LIKE = "tone", "narrowband", "wideband", "lte-like"
PULSE, CHIRP, SWEEP, HOP = "pulse", "chirp", "sweep", "hop"
POWER_STEP, SIGNAL_LOST, GAIN_STEP, UNKNOWN = "power-step", "signal-lost", "gain-step", "unknown"
OVERLOAD, RECEIVER, DROPPED = "overload", "receiver", "dropped"
CELL_LOST, CARRIERS_DOWN, NEW_CELL = "cell-lost", "carriers-down", "new-cell"
DRIFT, NOISE_FLOOR_RAISED = "drift", "noise-floor-raised"
OVER_MASK, MISSING = "over-mask", "missing"
TEST, DEAF = "test", "deaf"
MODEL_TAKEN_BACK = "model-taken-back"
UNDERVOLTAGE, THROTTLED = "undervoltage", "throttled"

#: A sentence for every kind that an event may have.
ADVICE = {
    TONE: "leave these frequencies out, and look for a device that radiates there",
    NARROWBAND: "leave these frequencies out: in LTE, the resource blocks they touch",
    WIDEBAND: "change to another band: there is no room beside it",
    LTE_LIKE: "look for a transmitter without permission, or a base station that is not yours",
    PULSE: "repeat what is lost between its pulses; look for a radar, or a machine that switches",
    CHIRP: "leave the frequencies it runs over out, and locate it: it is no usual transmission",
    SWEEP: "change to another band, and locate it: it disturbs all of this one, a part at a time",
    HOP: "leave its range out, or change to another band: it does not stay where it is",
    POWER_STEP: "check whether the station was meant to send with more power",
    SIGNAL_LOST: "check the station, then antenna and cable of the observer",
    GAIN_STEP: "fix the gain of the receiver: while it moves, levels cannot be compared",
    UNKNOWN: "look at the spectrum yourself: its shape is none that is known",
    OVERLOAD: "lower the gain, or put a filter before the receiver: levels are too low by now",
    RECEIVER: "check the receiver and its cable, and open it anew: it hands out no signal",
    DROPPED: "samples are lost: give the observer time, or a lower rate; of sweeps, see what "
    "measures them",
    CELL_LOST: "check the station of this cell; if others are lost as well, the antenna",
    CARRIERS_DOWN: "check the station: it sends on fewer frequencies than before",
    NEW_CELL: "ask the operator whether this cell is planned; one that is not may be a false one",
    DRIFT: "see what came or went slowly; if it may stay, say that it is normal",
    OVER_MASK: "measure it again, and ask its operator: it is stronger than the mask allows it",
    MISSING: "ask its operator whether it is off; if others are missing as well, check the antenna",
    TEST: "nothing: the observer has found a tone that it added to a copy of what it heard",
    DEAF: "look at the band: the observer did not find a tone that it added to what it heard",
    MODEL_TAKEN_BACK: "see `edgespec model list` for why: the model before it watches again",
    UNDERVOLTAGE: "give the board a stronger supply or a shorter cable: it may lose samples now",
    THROTTLED: "cool the board, see to its supply, or give it less to do: it works more slowly",
    NOISE_FLOOR_RAISED: "look for a machine that radiates over all of the band, or a jammer",
}


def advice_for(kind: str) -> str:
    """Return what a person should do about an event of a kind; '' for one that is not known."""
    return ADVICE.get(kind, "")

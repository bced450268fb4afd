"""The periodic state of one band of an observer, in the style and with the names of an event."""

from typing import Any

from edgespec.band_rhythm import BandRhythm, RhythmState
from edgespec.errand import Errand
from edgespec.heard_cell import CellState, HeardCell
from edgespec.promise import Promise
from edgespec.records import ObserverState
from edgespec.units import format_utc
from edgespec.wire.fields import LEVEL_UNIT, Fields
from edgespec.wire.levels import NO_SCALE, level_payload, parse_scale, scale_payload
from edgespec.wire.text import decode

__all__ = ["STATE_SCHEMA", "parse_state", "state_payload"]

STATE_SCHEMA = "edgespec.state/1"


def state_payload(state: ObserverState, node: str) -> dict[str, Any]:
    """Return the object of schema ``edgespec.state/1``."""
    return {
        "schema": STATE_SCHEMA,
        "node": node,
        "band": state.band,
        "model_sha256": state.model_sha256,
        "time": format_utc(state.utc_ns),
        "uptime_s": float(state.uptime_s),
        "n_samples": int(state.n_samples),
        "n_segments": int(state.n_segments),
        "n_events": int(state.n_events),
        "n_dropped": int(state.n_dropped),
        "n_skipped": {reason: int(n) for reason, n in state.n_skipped.items()},
        "level_dbfs": float(state.level_dbfs),
        "noise_floor_dbfs": float(state.noise_floor_dbfs),
        "level_unit": LEVEL_UNIT,
        "scores": {name: float(score) for name, score in state.scores.items()},
        "thresholds": {name: float(limit) for name, limit in state.thresholds.items()},
        "speed": float(state.speed),
        "alarm": bool(state.alarm),
        "mqtt_connected": state.mqtt_connected,
        "spool_events": int(state.spool_events),
        "n_untold": int(state.n_untold),
        "board": list(state.board),
        "history_problem": state.history_problem,
        "warmup_left_s": float(state.warmup_left_s),
        "unscored_reason": state.unscored_reason,
        "unscored_share": float(state.unscored_share),
        "unscored_s": float(state.unscored_s),
        "troubles": list(state.troubles),
        "distrust": state.distrust,
        "side_inputs": state.side_inputs,
        "model_caution": state.model_caution,
        "center_freq_hz": float(state.center_freq_hz),
        "tuned": bool(state.tuned),
        "duty": round(float(state.duty), 6),
        "cell": _cell_payload(state.cell),
        "events_last_day": int(state.events_last_day),
        "promise": _promise_payload(state.promise),
        "last_test": None if state.last_test_ns is None else format_utc(state.last_test_ns),
        "errand": _errand_payload(state.errand),
        "model_note": state.model_note,
        "raised": {name: round(float(times), 3) for name, times in state.raised.items()},
        "rhythm": _rhythm_payload(state.rhythm),
        "latency_ms": {key: round(1e3 * float(s), 3) for key, s in state.latency_s.items()},
        **level_payload("level", state.level_dbfs, state.scale),
        **level_payload("noise_floor", state.noise_floor_dbfs, state.scale),
        **scale_payload(state.scale, state.utc_ns),
    }


def parse_state(data: bytes | str) -> tuple[str, ObserverState]:
    """Return node and state written as :func:`state_payload`.

    Raises:
        PayloadError: it is not a state of this schema.
    """
    # Retained states of a version before this one may still be at a broker.
    added: dict[str, Any] = {"side_inputs": "", "raised": {}, "last_test": None, "errand": None}
    added |= {"model_note": "", "model_caution": ""}
    fields = Fields.of({**NO_SCALE, **added, **decode(data)}, STATE_SCHEMA)
    fields.require_level_unit()
    state = ObserverState(
        utc_ns=fields.utc_ns("time"),
        uptime_s=fields.number("uptime_s"),
        n_samples=fields.integer("n_samples"),
        n_segments=fields.integer("n_segments"),
        n_events=fields.integer("n_events"),
        n_dropped=fields.integer("n_dropped"),
        n_skipped=fields.integers("n_skipped"),
        level_dbfs=fields.number("level_dbfs"),
        noise_floor_dbfs=fields.number("noise_floor_dbfs"),
        scores=fields.numbers("scores"),
        thresholds=fields.numbers("thresholds"),
        speed=fields.number("speed"),
        alarm=fields.flag("alarm"),
        mqtt_connected=fields.optional_flag("mqtt_connected"),
        spool_events=fields.integer("spool_events"),
        n_untold=fields.integer("n_untold"),
        board=fields.texts("board"),
        history_problem=fields.text("history_problem"),
        warmup_left_s=fields.number("warmup_left_s"),
        unscored_reason=fields.text("unscored_reason"),
        unscored_share=fields.number("unscored_share"),
        unscored_s=fields.number("unscored_s"),
        troubles=fields.texts("troubles"),
        distrust=fields.text("distrust"),
        side_inputs=fields.text("side_inputs"),
        model_caution=fields.text("model_caution"),
        center_freq_hz=fields.number("center_freq_hz"),
        tuned=fields.flag("tuned"),
        duty=fields.number("duty"),
        latency_s={key: round(ms / 1e3, 6) for key, ms in fields.numbers("latency_ms").items()},
        cell=_parse_cell(fields),
        events_last_day=fields.integer("events_last_day"),
        promise=_parse_promise(fields),
        raised=fields.numbers("raised"),
        last_test_ns=fields.optional_utc_ns("last_test"),
        rhythm=_parse_rhythm(fields),
        errand=_parse_errand(fields),
        model_note=fields.text("model_note"),
        band=fields.text("band"),
        model_sha256=fields.optional_text("model_sha256"),
        scale=parse_scale(fields),
    )
    return fields.text("node"), state


def _cell_payload(cell: HeardCell | None) -> dict[str, Any] | None:
    if cell is None:
        return None
    return {
        "state": cell.state.value,
        "identity": cell.identity,
        "duplex": cell.duplex,
        "snr_db": float(cell.snr_db),
        "quality": float(cell.quality),
        "cfo_hz": float(cell.cfo_hz),
        "ppm": float(cell.ppm),
        "distrust": cell.distrust,
        "technology": cell.technology,
    }


def _parse_cell(fields: Fields) -> HeardCell | None:
    cell = fields.optional_inner("cell")
    if cell is None:
        return None
    return HeardCell(
        cell.choice("state", CellState),
        cell.optional_integer("identity"),
        cell.text("duplex"),
        cell.number("snr_db"),
        cell.number("quality"),
        cell.number("cfo_hz"),
        cell.number("ppm"),
        cell.text("distrust"),
        cell.text("technology"),
    )


def _rhythm_payload(rhythm: BandRhythm | None) -> dict[str, Any] | None:
    if rhythm is None:
        return None
    return {
        "state": rhythm.state.value,
        "heard_s": round(float(rhythm.heard_s), 3),
        "left_s": round(float(rhythm.left_s), 3),
        "n_bursts": int(rhythm.n_bursts),
        "wanted_bursts": int(rhythm.wanted_bursts),
        "loud_db": round(float(rhythm.loud_db), 2),
        "fill_db": round(float(rhythm.fill_db), 2),
    }


def _parse_rhythm(fields: Fields) -> BandRhythm | None:
    rhythm = fields.optional_inner("rhythm")
    if rhythm is None:
        return None
    return BandRhythm(
        rhythm.choice("state", RhythmState),
        rhythm.number("heard_s"),
        rhythm.number("left_s"),
        rhythm.integer("n_bursts"),
        rhythm.integer("wanted_bursts"),
        rhythm.number("loud_db"),
        rhythm.number("fill_db"),
    )


def _errand_payload(errand: Errand | None) -> dict[str, Any] | None:
    if errand is None:
        return None
    return {
        "command": errand.command,
        "id": errand.id,
        "band": errand.band,
        "share": round(float(errand.share), 3),
    }


def _parse_errand(fields: Fields) -> Errand | None:
    errand = fields.optional_inner("errand")
    if errand is None:
        return None
    return Errand(
        errand.text("command"), errand.text("id"), errand.text("band"), errand.number("share")
    )


def _promise_payload(promise: Promise | None) -> dict[str, Any] | None:
    if promise is None:
        return None
    return {
        "false_events_per_day": float(promise.per_day),
        "low": float(promise.low),
        "high": float(promise.high),
        "signal_s": float(promise.signal_s),
        "calibrated": format_utc(promise.utc_ns),
    }


def _parse_promise(fields: Fields) -> Promise | None:
    promise = fields.optional_inner("promise")
    if promise is None:
        return None
    return Promise(
        promise.number("false_events_per_day"),
        promise.number("low"),
        promise.number("high"),
        promise.number("signal_s"),
        promise.utc_ns("calibrated"),
    )

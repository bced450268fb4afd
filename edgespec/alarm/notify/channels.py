"""How a notification goes out: one function for each way."""

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from edgespec.alarm.notify.post import post
from edgespec.alarm.notify.refused import NotifyError
from edgespec.config import NotifyConfig
from edgespec.errors import ConfigError
from edgespec.kinds import advice_for
from edgespec.level_scale import UNCALIBRATED
from edgespec.listing import MaskWord
from edgespec.records import Event, EventType
from edgespec.units import format_hz
from edgespec.wire.event import EventMessage, event_payload
from edgespec.wire.text import encode

__all__ = ["CHANNELS", "Channel", "token_of"]

#: Takes settings, token, name of the observer, event, and where its recording is.
Channel = Callable[[NotifyConfig, str, str, Event, Path | None], None]

#: What a command need not know of us: secrets, and whom we speak to.
_OURS = ("EDGESPEC_", "NOTIFY_SOCKET", "WATCHDOG_")


def token_of(settings: NotifyConfig, name: str) -> str:
    """Return the token that a file holds; '' where none is named.

    Raises:
        ConfigError: it cannot be read, or is none; ``name`` is what the table is called.
    """
    path = settings.token_file
    if path is None:
        return ""
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no ASCII text"
        raise ConfigError(
            f"{name}.token_file {str(path)!r} cannot be read ({reason}); let the user of edgespec "
            "read it"
        ) from None
    if not token.isprintable() or " " in token or not token:
        raise ConfigError(f"{name}.token_file {str(path)!r} holds no token: one line, no spaces")
    return token


def webhook(
    settings: NotifyConfig, token: str, node: str, event: Event, evidence: Path | None
) -> None:
    """POST the event as JSON, schema ``edgespec.event/2``."""
    headers = {"Content-Type": "application/json", **_authorization(token)}
    post(settings.url or "", _json(event, node), headers, settings.timeout_s)


def ntfy(
    settings: NotifyConfig, token: str, node: str, event: Event, evidence: Path | None
) -> None:
    """POST a text to a topic (https://docs.ntfy.sh/publish)."""
    is_over = event.event_type is EventType.END
    headers = {
        "Title": f"{node}: {event.kind} in {event.band}{' is over' if is_over else ''}",
        "Priority": "default" if is_over else _priority(event),
        **_authorization(token),
    }
    width_hz = event.freq_upper_hz - event.freq_lower_hz
    text = (
        f"{format_hz(width_hz)} at {format_hz(event.peak_freq_hz)}, {_level(event)}, "
        f"{event.excess_db:+.1f} dB beside normal"
    )
    if event.listing is not None:
        text += f"\n{event.listing.text}"
    advice = advice_for(event.kind)
    body = f"{text}\n{advice}" if advice and not is_over else text
    post(settings.url or "", body.encode(), headers, settings.timeout_s)


def command(
    settings: NotifyConfig, token: str, node: str, event: Event, evidence: Path | None
) -> None:
    """Run a command once: it may have done half of its work."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith(_OURS)}
    if evidence is not None:
        environment["EDGESPEC_EVIDENCE"] = str(evidence)
    try:
        process = subprocess.Popen(
            settings.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            # What it starts goes with it.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise NotifyError(f"it cannot be started ({reason})", may_pass=False) from None
    with process:
        try:
            process.communicate(_json(event, node), settings.timeout_s)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise NotifyError("it takes too long", may_pass=False) from None
    if process.returncode:
        raise NotifyError(f"it ended with {process.returncode}", may_pass=False)


CHANNELS: dict[str, Channel] = {"webhook": webhook, "ntfy": ntfy, "command": command}


def _priority(event: Event) -> str:
    """Return more than usual for what the mask does not allow."""
    listing = event.listing
    return "high" if listing is None or listing.word is MaskWord.LISTED else "urgent"


def _level(event: Event) -> str:
    """Return the peak in dBFS and, where that is known, what arrives, and since when."""
    text, age = UNCALIBRATED.text(event.peak_dbfs), event.scale.age_text(event.end_ns)
    return f"{text} = {event.scale.text(event.peak_dbfs)} ({age})" if age else text


def _json(event: Event, node: str) -> bytes:
    # Numbers count what a broker is told; here they are none.
    return encode(event_payload(EventMessage(event, node, 0)))


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}

"""How a notification goes out: one function for each way."""

import os
import signal
import ssl
import subprocess
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgespec.alarm.notify.post import post
from edgespec.alarm.notify.refused import NotifyError
from edgespec.config import NotifyConfig
from edgespec.door import refuse_fifo
from edgespec.errors import ConfigError
from edgespec.kinds import TEST, advice_for
from edgespec.level_scale import UNCALIBRATED
from edgespec.listing import MaskWord
from edgespec.mqtt.link import tls_context
from edgespec.records import Event, EventType
from edgespec.units import format_hz
from edgespec.wire.event import EventMessage, event_payload
from edgespec.wire.text import encode

__all__ = ["CHANNELS", "Channel", "Notice", "Way"]

#: What a command need not know of us: secrets, and whom we speak to.
_OURS = ("EDGESPEC_", "NOTIFY_SOCKET", "WATCHDOG_")


@dataclass(frozen=True, slots=True)
class Way:
    """Whom to tell, as whom, and with what secret."""

    settings: NotifyConfig
    node: str
    token: str = ""
    tls: ssl.SSLContext | None = None

    @classmethod
    def of(cls, settings: NotifyConfig, node: str, name: str) -> "Way":
        """Return the way of a table of the configuration, which is called ``name``.

        Raises:
            ConfigError: the file of its token or of its certificates cannot be used.
        """
        is_https = (settings.url or "").startswith("https://")
        tls = tls_context(settings.ca_file, f"{name}.ca_file") if is_https else None
        return cls(settings, node, _token_of(settings, name), tls)

    @property
    def authorization(self) -> dict[str, str]:
        """The header that has the token, where there is one."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def post(self, body: bytes, headers: dict[str, str]) -> None:
        """POST a body to whom it is for.

        Raises:
            NotifyError: it was not taken, or not in time.
        """
        headers = {**headers, **self.authorization}
        post(self.settings.url or "", body, headers, self.settings.timeout_s, self.tls)


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told: an event, where its recording is, and where its picture, once there is one."""

    event: Event
    evidence: Path | None = None
    picture: Path | None = None

    @property
    def drawn(self) -> bytes:
        """The picture.

        Raises:
            NotifyError: it is not there any more.
        """
        try:
            return b"" if self.picture is None else self.picture.read_bytes()
        except OSError as error:
            raise NotifyError(
                f"the picture cannot be read ({error.strerror})", may_pass=False
            ) from None


#: Tells of a notice.
Channel = Callable[[Way, Notice], None]


def _token_of(settings: NotifyConfig, name: str) -> str:
    """Return the token that a file holds; '' where none is named.

    Raises:
        ConfigError: it cannot be read, or is none; ``name`` is what the table is called.
    """
    path = settings.token_file
    if path is None:
        return ""
    try:
        refuse_fifo(path)
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


def webhook(way: Way, notice: Notice) -> None:
    """POST the event as JSON, schema ``edgespec.event/2``; with its picture as a form of both."""
    told = _json(notice.event, way.node)
    if notice.picture is None:
        way.post(told, {"Content-Type": "application/json"})
        return
    mark = uuid.uuid4().hex
    form = (
        b'--%(mark)b\r\nContent-Disposition: form-data; name="event"\r\n'
        b"Content-Type: application/json\r\n\r\n%(told)b\r\n"
        b'--%(mark)b\r\nContent-Disposition: form-data; name="picture"; filename="%(name)b"\r\n'
        b"Content-Type: image/png\r\n\r\n%(drawn)b\r\n--%(mark)b--\r\n"
    ) % {
        b"mark": mark.encode(),
        b"told": told,
        b"name": notice.picture.name.encode(),
        b"drawn": notice.drawn,
    }
    way.post(form, {"Content-Type": f"multipart/form-data; boundary={mark}"})


def ntfy(way: Way, notice: Notice) -> None:
    """POST a text to a topic, or a picture as its attachment (https://docs.ntfy.sh/publish)."""
    event = notice.event
    is_over = event.event_type is EventType.END
    title = f"{way.node}: {event.kind} in {event.band}"
    if notice.picture is not None:
        headers = {"Title": f"{title}, drawn", "Priority": "low", "Filename": notice.picture.name}
        way.post(notice.drawn, headers)
        return
    headers = {
        "Title": f"{title}{' is over' if is_over else ''}",
        "Priority": "default" if is_over else _priority(event),
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
    way.post(body.encode(), headers)


def command(way: Way, notice: Notice) -> None:
    """Run a command once: it may have done half of its work."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith(_OURS)}
    for name, path in (("EVIDENCE", notice.evidence), ("PICTURE", notice.picture)):
        if path is not None:
            environment[f"EDGESPEC_{name}"] = str(path)
    try:
        process = subprocess.Popen(
            way.settings.command,
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
            process.communicate(_json(notice.event, way.node), way.settings.timeout_s)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise NotifyError("it takes too long", may_pass=False) from None
    if process.returncode:
        raise NotifyError(f"it ended with {process.returncode}", may_pass=False)


CHANNELS: dict[str, Channel] = {"webhook": webhook, "ntfy": ntfy, "command": command}


def _priority(event: Event) -> str:
    """Return more than usual for what the mask does not allow, and less for a test."""
    listing = event.listing
    if event.kind == TEST:
        return "min"
    return "high" if listing is None or listing.word is MaskWord.LISTED else "urgent"


def _level(event: Event) -> str:
    """Return the peak in dBFS and, where that is known, what arrives, and since when."""
    text, age = UNCALIBRATED.text(event.peak_dbfs), event.scale.age_text(event.end_ns)
    return f"{text} = {event.scale.text(event.peak_dbfs)} ({age})" if age else text


def _json(event: Event, node: str) -> bytes:
    # Numbers count what a broker is told; here they are none.
    return encode(event_payload(EventMessage(event, node, 0)))

"""What people ask an observer to do with its events, and what it answers."""

from dataclasses import asdict, dataclass, field
from typing import Any

from edgespec.decode import Decoder
from edgespec.door import door
from edgespec.option import ID, about, check_edges, check_record
from edgespec.wire.fields import Fields
from edgespec.wire.text import PayloadError, decode, encode

__all__ = [
    "COMMANDS",
    "ERRANDS",
    "RESPONSE_SCHEMA",
    "Request",
    "Response",
    "encode_request",
    "encode_response",
    "parse_request",
    "parse_response",
    "transaction_of",
]

COMMANDS = ("ack", "mute", "normal", "undo", "silenced", "record", "look", "calibrate", "cancel")
#: Those that are about what an observer does beside watching.
ERRANDS = ("record", "look", "calibrate", "cancel")
REQUEST_SCHEMA, RESPONSE_SCHEMA = "edgespec.request/1", "edgespec.response/1"
#: People and programs need some hundred bytes.
_MAX_REQUEST_BYTES = 4096
_YEAR_S = 366 * 86400.0
_LABEL = {"pattern": "[A-Za-z0-9_.:-]{0,64}", "pattern_text": "up to 64 letters, digits and _.:-"}
_DECODER = Decoder(PayloadError)


@dataclass(frozen=True, slots=True)
class Request:
    """A command, and what it is about; what is None or empty is left open.

    ``id`` is that of an event, an incident, a mute, what was called normal, or what goes on.
    """

    command: str = field(metadata=about("What to do", choices=COMMANDS))
    transaction: str = field(default="", metadata=about("Comes back in the response", **_LABEL))
    id: str = field(default="", metadata=about("What it is about", **_LABEL))
    band: str | None = field(default=None, metadata=about("Band", **ID))
    kind: str | None = field(default=None, metadata=about("Kind of events", **ID))
    lower_hz: float | None = field(default=None, metadata=about("Lower edge", unit="Hz"))
    upper_hz: float | None = field(default=None, metadata=about("Upper edge", unit="Hz"))
    duration_s: float | None = field(
        default=None, metadata=about("For how long", unit="s", above=0, maximum=_YEAR_S)
    )
    apply: bool | None = field(
        default=None, metadata=about("Whether what is found is to count from then on")
    )

    def __post_init__(self) -> None:
        check_record(self, PayloadError)
        check_edges(self.lower_hz, self.upper_hz, PayloadError)


@dataclass(frozen=True, slots=True)
class Response:
    """What came of a request: ``data``, or an ``error`` in a sentence.

    What ``is_accepted`` takes a while, and there will be another response to it.
    """

    transaction: str = ""
    error: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    is_accepted: bool = False


def encode_request(request: Request) -> bytes:
    """Return a message of schema ``edgespec.request/1`` for the topic of its command."""
    said = {name: value for name, value in asdict(request).items() if value not in (None, "")}
    del said["command"]
    return encode({"schema": REQUEST_SCHEMA, **said})


def parse_request(command: str, data: bytes | str) -> Request:
    """Return what is asked on the topic of a command; an empty message leaves all open.

    A person may leave the schema out.

    Raises:
        PayloadError: it is no such request.
    """
    with door("a request", PayloadError, "see docs/alerts.md"):
        payload = decode(data or b"{}", _MAX_REQUEST_BYTES)
        payload.setdefault("schema", REQUEST_SCHEMA)
        Fields.of(payload, REQUEST_SCHEMA)
        del payload["schema"]
        return _DECODER.decode(Request, {**payload, "command": command}, REQUEST_SCHEMA)


def transaction_of(data: bytes) -> str:
    """Return by what an asker knows a request that is none, as far as that can be read."""
    try:
        found = decode(data, _MAX_REQUEST_BYTES).get("transaction")
    except PayloadError:
        return ""
    return found if isinstance(found, str) and len(found) <= 64 and found.isprintable() else ""


def encode_response(response: Response) -> bytes:
    """Return a message of schema ``edgespec.response/1``."""
    status = "error" if response.error else "accepted" if response.is_accepted else "ok"
    return encode(
        {
            "schema": RESPONSE_SCHEMA,
            "transaction": response.transaction,
            "status": status,
            "error": response.error,
            "data": response.data,
        }
    )


def parse_response(data: bytes | str) -> Response:
    """Return the response written as :func:`encode_response`.

    Raises:
        PayloadError: it is none.
    """
    payload = decode(data)
    fields = Fields.of(payload, RESPONSE_SCHEMA)
    found = payload.get("data")
    if not isinstance(found, dict):
        raise PayloadError(f"{RESPONSE_SCHEMA}: data must be an object")
    is_accepted = payload.get("status") == "accepted"
    return Response(fields.text("transaction"), fields.text("error"), found, is_accepted)

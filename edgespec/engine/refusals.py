"""Why an engine cannot be reached, or refuses, in a sentence each."""

import socket

from edgespec.engine.link import CONNECT_S, EngineLink
from edgespec.errors import BrokerError
from edgespec.mqtt.link import BrokerRefusedError

__all__ = ["refusal", "unreachable", "words"]

#: pika's errors by their names: one file alone knows pika.
_BAD_LOGIN = ("ProbableAuthenticationError", "AuthenticationError")


def _root(error: BaseException) -> BaseException:
    """Return what lies at the bottom of pika's errors about errors."""
    while True:
        inner = getattr(error, "exceptions", None) or (getattr(error, "exception", None),)
        if not isinstance(inner[-1], BaseException):
            return error
        error = inner[-1]


def words(error: BaseException) -> str:
    """Return what an error of pika's says at its bottom."""
    error = _root(error)
    return str(getattr(error, "reply_text", "") or error or repr(error))


def unreachable(where: str, link: EngineLink, error: BaseException) -> BrokerError:
    """Return in a sentence why an engine cannot be reached."""
    root = _root(error)
    name, said = type(root).__name__, f"{words(root)} {root.args}"
    user = link.username
    if name in _BAD_LOGIN or "ACCESS_REFUSED" in said:
        more = " (guest may come from the engine's own machine only)" if user == "guest" else ""
        return BrokerRefusedError(
            f"the engine at {where} refuses user {user!r}{more}: check user and password in the "
            "URL, or mqtt.username and mqtt.password"
        )
    if name == "ProbableAccessDeniedError" or "NOT_ALLOWED" in said:
        return BrokerRefusedError(
            f"the engine at {where} does not let user {user!r} into the virtual host "
            f"{link.url.vhost!r} ({words(root)}): let it in (rabbitmqctl "
            "add_vhost, set_permissions)"
        )
    # pika tells of the error below it by its name alone.
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return BrokerRefusedError(
            f"the certificate of the engine at {where} is not trusted: set mqtt.ca_file to the "
            "certificate that signed it, and the URL to a name in it"
        )
    if "ConnectionRefusedError" in said:
        reason = "the connection is refused: is RabbitMQ running on that port?"
    elif isinstance(root, socket.gaierror):
        reason = f"the host name is not known ({root.strerror})"
    elif link.tls is not None:
        # What hangs up in the middle leaves pika a socket that is none, which says nothing.
        why = "it hangs up" if type(root) is ValueError else words(root)
        reason = f"TLS fails ({why}): is this RabbitMQ's TLS port?"
    elif "Timeout" in said:
        reason = (
            f"there is no answer within {CONNECT_S:g} s: is the node awake, and is this its port "
            "for AMQP 0-9-1 (5672, with TLS 5671)?"
        )
    else:
        reason = f"{words(root)}: is this RabbitMQ's port for AMQP 0-9-1, with TLS or without?"
    return BrokerError(f"the engine at {where} cannot be reached: {reason}")


def refusal(url: str, reason: BaseException) -> BrokerError:
    """Return in a sentence what the engine did not want."""
    code = getattr(reason, "reply_code", 0)
    said = words(reason)
    if code == 406:
        return BrokerRefusedError(
            f"the engine {url} has a queue of that name with other arguments ({said}): all units "
            "must name the same number of partitions; to change it stop them all and delete the "
            "queues below their prefix"
        )
    if code == 403:
        return BrokerRefusedError(
            f"the engine {url} does not allow this user to do so ({said}): rabbitmqctl "
            "set_permissions, as in docs/twin.md"
        )
    if code == 540:
        return BrokerRefusedError(
            f"the engine {url} has no quorum queues ({said}): rabbitmqctl enable_feature_flag "
            "quorum_queue"
        )
    return BrokerError(f"the engine {url} refuses something: {said}")

"""A free port is one that a server gets, and no connection on its way out."""

import socket
from pathlib import Path

import pytest

from edgespec import port
from edgespec.errors import EdgespecError
from edgespec.port import free_port


def test_each_is_given_once_and_can_be_listened_on() -> None:
    given = [free_port() for _ in range(50)]
    assert len(set(given)) == 50
    for one in given:
        socket.create_server(("127.0.0.1", one)).close()


def test_no_outgoing_connection_takes_one() -> None:
    outgoing = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if not outgoing.exists() or int(outgoing.read_text().split()[0]) != 32768:
        pytest.skip("outgoing connections have other ports here")
    assert all(free_port() < 32768 for _ in range(20))


def test_what_is_in_use_is_left_out_and_none_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        taken = server.getsockname()[1]
        monkeypatch.setattr(port, "_FIRST", taken)
        monkeypatch.setattr(port, "_LAST", taken)
        monkeypatch.setattr(port, "_GIVEN", set())
        with pytest.raises(EdgespecError, match=f"from {taken} to {taken} is free"):
            free_port()

"""The ports of local servers, which no connection may take."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.process import free_ports

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_ports_are_distinct_and_free() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(socket.create_server(("127.0.0.1", port)))


def test_a_port_in_use_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    [used, free] = sorted(free_ports(2))
    monkeypatch.setattr("local.process._PORTS", (used, free))
    with socket.create_server(("127.0.0.1", used)):
        assert free_ports(1) == [free]


def test_the_kernel_gives_them_to_no_connection() -> None:
    lowest = int(RANGE.read_text().split()[0])
    assert max(free_ports(100)) < lowest

"""The door of this folder: no test in it reaches a network, not even loopback."""

from __future__ import annotations

import socket

import pytest
from pytest_socket import SocketBlockedError


def test_no_socket_can_be_had() -> None:
    with pytest.warns(UserWarning, match="socket"), pytest.raises(SocketBlockedError):
        socket.socket()


async def test_an_event_loop_can() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.send(b"x")

        assert right.recv(1) == b"x"

"""The guard at the door: it sees the address that is really connected to, whatever the URL or the resolver said."""

from __future__ import annotations

import socket
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from yarl import URL

from shared.domain.egress import Egress


class Refused(OSError):
    """This address is not connected to; where a host has others, they are tried."""


@dataclass(slots=True)
class Way:
    """Where one request is going, and what became of the addresses that it was led to."""

    url: str
    refused: bool = False
    tried: bool = False


# Sockets are made in tasks of their own where a host has several addresses: they inherit this, and share the object.
WAY: Final[ContextVar[Way]] = ContextVar("way")


class Guard:
    """Makes sockets for addresses that may be connected to."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    def refused(self, way: Way) -> bool:
        """Did it lead to nothing that may be connected to? aiohttp itself turns some spellings of addresses away."""
        if way.refused or way.tried:
            return not way.tried
        try:
            return self._egress.fault_of_host(URL(way.url).raw_host or "") is not None
        except ValueError:  # no URL at all
            return False

    def __call__(self, address_info: tuple[Any, ...]) -> socket.socket:
        """A socket for this address; raises Refused."""
        family, kind, protocol, _, place = address_info
        way = WAY.get()
        fault = self._egress.fault_of_address(ip_address(str(place[0])), URL(way.url).raw_host or "")
        if fault is not None:
            way.refused = True
            message = f"{fault} is not called"
            raise Refused(message)
        way.tried = True
        return socket.socket(family, kind, protocol)

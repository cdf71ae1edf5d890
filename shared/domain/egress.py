"""Where callbacks may lead: to the public internet, and to what the operator allows. An address counts unwrapped.

`ipaddress.is_global` is not asked: it calls several metadata services, multicast and translated addresses global.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# The first that holds the address names it.
DENIED: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(network), kind)
    for network, kind in (
        ("127.0.0.0/8", "a loopback address"),
        ("::1/128", "a loopback address"),
        ("169.254.169.254/32", "a metadata address"),
        ("168.63.129.16/32", "a metadata address"),  # Azure
        ("192.0.0.192/32", "a metadata address"),  # Oracle
        ("100.100.100.200/32", "a metadata address"),  # Alibaba
        ("fd00:ec2::254/128", "a metadata address"),  # Amazon
        ("10.0.0.0/8", "a private address"),
        ("172.16.0.0/12", "a private address"),
        ("192.168.0.0/16", "a private address"),
        ("100.64.0.0/10", "a private address"),  # shared by the customers of a carrier
        ("fc00::/7", "a private address"),
        ("fec0::/10", "a private address"),
        ("64:ff9b:1::/48", "a private address"),  # NAT64 of a network's own
        ("169.254.0.0/16", "a link-local address"),
        ("fe80::/10", "a link-local address"),
        ("224.0.0.0/4", "a multicast address"),
        ("ff00::/8", "a multicast address"),
        ("0.0.0.0/8", "a reserved address"),  # reaches this host
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a reserved address"),
        ("192.88.99.0/24", "a reserved address"),
        ("198.18.0.0/15", "a reserved address"),
        ("198.51.100.0/24", "a reserved address"),
        ("203.0.113.0/24", "a reserved address"),
        ("240.0.0.0/4", "a reserved address"),
        ("2001::/23", "a reserved address"),  # Teredo among them
        ("2001:db8::/32", "a reserved address"),
        ("3fff::/20", "a reserved address"),
        # All of IPv6 but 2000::/3, which is what is given out to the public.
        ("::/3", "a reserved address"),
        ("4000::/2", "a reserved address"),
        ("8000::/1", "a reserved address"),
    )
)
_LOOPBACK: Final = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
# Networks whose addresses carry an IPv4 address, and how far from the right it stands.
_WRAPPERS: Final = (
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("::/96"), 0),
    (IPv6Network("2002::/16"), 80),
)
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+", re.ASCII)
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


@dataclass(frozen=True, slots=True)
class Egress:
    """What an operator allows beside the public internet."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, text: str) -> Egress:
        """The list that this text is; raises ValueError, which names every item that is none."""
        networks: list[Network] = []
        hosts: set[str] = set()
        wrong: list[str] = []
        for item in filter(None, (item.strip() for item in text.split(","))):
            network, name = _network(item), _bare(item)
            if network is not None:
                networks.append(network)
            elif _NAME.fullmatch(name) and address_of(name) is None and not name.rpartition(".")[2].isdigit():
                hosts.add(name)
            else:
                wrong.append(item)
        if wrong:
            message = f"must list networks, addresses and host names, as 10.0.0.0/8,::1,hooks.internal, not {wrong}"
            raise ValueError(message)
        return cls(tuple(networks), frozenset(hosts))

    def __str__(self) -> str:
        return ",".join([*map(str, self.networks), *sorted(self.hosts)])

    def fault_of_address(self, address: Address, host: str = "") -> str | None:
        """What kind of address it is where it must not be connected to; `host` is the name that led there."""
        inner = unwrapped(address)
        if any(inner in network for network in self.networks) or (self.hosts and _bare(host) in self.hosts):
            return None
        return fault_of_address(inner)

    def fault_of_host(self, host: str) -> str | None:
        """The same of a host in a URL, as far as it can be known without a look-up."""
        if (address := address_of(host)) is not None:
            return self.fault_of_address(address)
        bare = _bare(host)
        if bare != "localhost" and not bare.endswith(".localhost"):
            return None
        faults = [self.fault_of_address(address, host) for address in _LOOPBACK]
        return None if None in faults else faults[0]


STRICT: Final = Egress()


def fault_of_address(address: Address) -> str | None:
    """What kind of address it is, as in `a loopback address (127.0.0.1)`, or None where it is public."""
    inner = unwrapped(address)
    kind = next((kind for network, kind in DENIED if inner in network), None)
    return None if kind is None else f"{kind} ({inner})"


def unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 address carries, or the address, without its zone."""
    if isinstance(address, IPv4Address):
        return address
    plain = IPv6Address(int(address))
    if int(plain) <= 1:  # `::` and `::1` carry nothing
        return plain
    shift = next((shift for network, shift in _WRAPPERS if plain in network), None)
    return plain if shift is None else IPv4Address(int(plain) >> shift & 0xFFFF_FFFF)


def address_of(host: str) -> Address | None:
    """The address that this host is in any spelling that resolvers take (127.1, 0x7f.1, 2130706433), or None."""
    bare = _bare(host)
    try:
        return ip_address(bare)
    except ValueError:
        pass
    parts = bare.split(".")
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    try:
        *first, last = (_number(part) for part in parts)
    except ValueError:  # 08 is no octal number
        return None
    room = 4 - len(first)
    if last >= 256**room or any(number > 255 for number in first):
        return None
    return IPv4Address(sum(number << 8 * (3 - place) for place, number in enumerate(first)) + last)


def _number(text: str) -> int:
    if text[:2] in {"0x", "0X"}:
        return int(text[2:] or "0", 16)
    if len(text) > 16:
        message = "too long for an address"
        raise ValueError(message)
    return int(text, 8 if text.startswith("0") else 10)


def _bare(host: str) -> str:
    return host.strip().lower().removeprefix("[").removesuffix("]").removesuffix(".")


def _network(item: str) -> Network | None:
    try:
        network = ip_network(item)
    except ValueError:
        return None
    inner = unwrapped(network.network_address)
    if network.num_addresses == 1:
        return ip_network(inner)
    # A network of wrappers would allow nothing: its addresses count by what they carry.
    return network if inner == network.network_address else None

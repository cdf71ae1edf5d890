"""No spelling and no wrapping of an address gets past the policy, and the operator's list is understood or refused."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.egress import DENIED, STRICT, Egress, address_of, fault_of_address, unwrapped

V4_NETWORKS = [network for network, _ in DENIED if isinstance(network, IPv4Network)]


def wrappings(inner: IPv4Address) -> list[IPv6Address]:
    number = int(inner)
    return [
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(int(IPv6Address("64:ff9b::")) | number),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
        IPv6Address(number),
    ]


@given(st.sampled_from(DENIED), st.integers(min_value=0))
def test_every_address_of_a_denied_network_is_refused_however_wrapped(denied: tuple[object, str], n: int) -> None:
    network = denied[0]
    address = network[n % network.num_addresses]  # type: ignore[index, attr-defined]
    if unwrapped(address) == address:  # ::/3 holds wrappers too: they count by what they carry
        assert fault_of_address(address) is not None
    if isinstance(address, IPv4Address):
        assert all(fault_of_address(wrapped) is not None for wrapped in wrappings(address))


@pytest.mark.parametrize(
    "address",
    ["192.0.0.192", "192.0.0.9", "168.63.129.16", "64:ff9b:1::1", "3fff::1", "192.88.99.1", "224.0.0.1", "ff0e::1",
     "169.254.169.254", "fe80::1%eth0", "::", "::1", "0.0.0.1", "255.255.255.255", "fd00:ec2::254", "2001::1"],
)  # fmt: skip
def test_what_python_may_call_global_is_refused(address: str) -> None:
    assert fault_of_address(ip_address(address)) is not None


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"])
def test_public_addresses_are_called(address: str) -> None:
    assert fault_of_address(ip_address(address)) is None


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "127.1", "127.0.1", "127.0.0.1.", "017700000001",
     "[::ffff:127.0.0.1]", "::ffff:7f00:1", "[64:ff9b::7f00:1]", "2002:7f00:1::", "::127.0.0.1",
     "localhost", "LOCALHOST.", "a.localhost"],
)  # fmt: skip
def test_every_spelling_of_loopback_is_known(host: str) -> None:
    assert STRICT.fault_of_host(host) == "a loopback address (127.0.0.1)"
    assert Egress.of("127.0.0.0/8,::1").fault_of_host(host) is None


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example.com", "256.1.1.1.1", "08.1.1.1", "1.256.1.1", "x"])
def test_names_are_no_addresses(host: str) -> None:
    assert address_of(host) is None
    assert STRICT.fault_of_host(host) is None


def test_a_listed_name_may_lead_anywhere_and_another_may_not() -> None:
    egress = Egress.of("Hooks.Internal, 10.1.0.0/16")
    inside = ip_address("10.2.0.1")

    assert egress.fault_of_address(inside, "hooks.internal.") is None
    assert egress.fault_of_address(inside, "other.internal") == "a private address (10.2.0.1)"
    assert egress.fault_of_address(ip_address("::ffff:10.1.2.3")) is None


def test_every_invalid_item_is_named() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8.*two words.*127\.1.*::ffff:7f00:0/104"):
        Egress.of("10.0.0.1/8, two words, 127.1, ::ffff:7f00:0/104, fine.example, ::1")

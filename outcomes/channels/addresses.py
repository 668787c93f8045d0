"""Which addresses a webhook may go to. An explicit list: `is_private` and `is_global` both misjudge some.

The list follows the IANA registries of special-purpose IPv4 and IPv6 addresses, and adds what stands for an
IPv4 address inside an IPv6 one and where clouds keep their metadata. Judged is the address that is connected to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_V4 = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private
    "100.64.0.0/10",  # carriers' own (CGNAT), and some clouds' metadata
    "127.0.0.0/8",  # loopback
    "168.63.129.16/32",  # a cloud's host agent, under a public number
    "169.254.0.0/16",  # link-local, and clouds' metadata
    "172.16.0.0/12",  # private
    "192.0.0.0/24",  # protocol assignments
    "192.0.2.0/24",  # documentation
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # AMT
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",  # private
    "192.175.48.0/24",  # AS112
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
)
_V6 = (
    "::/96",  # unspecified, loopback, and IPv4-compatible
    "::ffff:0:0:0/96",  # IPv4-translated
    "64:ff9b:1::/48",  # NAT64 of a network's own
    "100::/64",  # discarded
    "100:0:0:1::/64",  # dummy
    "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4, which nobody runs any more
    "2620:4f:8000::/48",  # AS112
    "3fff::/20",  # documentation
    "5f00::/16",  # segment routing
    "fc00::/7",  # unique local
    "fe80::/10",  # link-local
    "fec0::/10",  # site-local
    "ff00::/8",  # multicast
)
FORBIDDEN: tuple[Network, ...] = tuple(ip_network(text) for text in (*_V4, *_V6))

_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
# What stands before the IPv4 address in the last half of an ISATAP address, whichever bits are set.
_ISATAP = (0x0000_5EFE, 0x0200_5EFE, 0x0100_5EFE, 0x0300_5EFE)


def is_forbidden(text: str, allowed: Iterable[Network] = ()) -> bool:
    """Whether an address, as the resolver tells it, must not be connected to. `allowed` are exceptions.

    What is no address is forbidden.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return True
    exceptions = tuple(allowed)
    return any(_is_bad(meant, exceptions) for meant in _meanings(address))


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks such as 10.1.0.0/16. Raises ValueError for what is none, or has bits beyond its prefix."""
    return tuple(ip_network(text.strip()) for text in texts if text.strip())


def _is_bad(address: Address, allowed: tuple[Network, ...]) -> bool:
    if _is_in(address, allowed):
        return False
    return _is_in(address, FORBIDDEN)


def _meanings(address: Address) -> Iterator[Address]:
    """The address itself, and the IPv4 addresses that packets to it may end at."""
    if isinstance(address, IPv4Address):
        yield address
        return
    bare = IPv6Address(int(address))  # without a zone
    last = IPv4Address(int(bare) & 0xFFFF_FFFF)
    if bare in _MAPPED:
        yield last
        return
    yield bare
    if bare in _NAT64 or (int(bare) >> 32) & 0xFFFF_FFFF in _ISATAP:
        yield last


def _is_in(address: Address, held: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in held)

"""Which addresses are not the public internet: what somebody typed must not lead us there."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# https://www.iana.org/assignments/iana-ipv4-special-registry and its IPv6 twin, written out: what Python's own `is_global`
# says differs from version to version.
IPV4: Final = {
    "0.0.0.0/8": "this machine",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "a carrier's own (CGNAT)",
    "127.0.0.0/8": "this machine",
    "168.63.129.16/32": "a cloud's metadata",  # Azure's, although the address looks public
    "169.254.0.0/16": "link-local; a cloud's metadata lies there",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "kept for protocols; a cloud's metadata lies there",
    "192.0.2.0/24": "for documentation",
    "192.31.196.0/24": "a name server's sink",
    "192.52.193.0/24": "a multicast relay",
    "192.88.99.0/24": "a 6to4 relay",
    "192.168.0.0/16": "private",
    "192.175.48.0/24": "a name server's sink",
    "198.18.0.0/15": "for benchmarks",
    "198.51.100.0/24": "for documentation",
    "203.0.113.0/24": "for documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "kept for the future, or broadcast",
}
# Only 2000::/3 is handed out at all, so loopback, ULA, link-local, multicast, IPv4-mapped and NAT64 are named for their reason.
IPV6: Final = {
    "::/128": "this machine",
    "::1/128": "this machine",
    "::ffff:0:0/96": "an IPv4 address in disguise (mapped)",
    "::/96": "an IPv4 address in disguise",
    "64:ff9b::/96": "an IPv4 address in disguise (NAT64)",
    "64:ff9b:1::/48": "an IPv4 address in disguise (NAT64)",
    "100::/64": "a sink",
    "2001::/23": "kept for protocols (Teredo and others)",
    "2001:db8::/32": "for documentation",
    "2002::/16": "an IPv4 address in disguise (6to4)",
    "2620:4f:8000::/48": "a name server's sink",
    "3fff::/20": "for documentation",
    "fc00::/7": "private (ULA)",
    "fe80::/10": "link-local",
    "fec0::/10": "private",
    "ff00::/8": "multicast",
}
HANDED_OUT: Final = IPv6Network("2000::/3")
INNER: Final[tuple[tuple[Network, str], ...]] = tuple((ip_network(text), why) for text, why in (IPV4 | IPV6).items())


def why_inner(address: Address) -> str:
    """What kind of inner address this is; "" for one of the public internet."""
    for network, why in INNER:
        if address in network:
            return why
    if isinstance(address, IPv6Address) and address not in HANDED_OUT:
        return "not handed out to anybody"
    return ""


def is_inner(network: Network) -> bool:
    """Whether every address of a network is an inner one, by one row of the tables."""
    return any(_within(network, inner) for inner, _ in INNER)


def within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _within(network: Network, inner: Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(inner, IPv4Network) and network.subnet_of(inner)
    return isinstance(inner, IPv6Network) and network.subnet_of(inner)

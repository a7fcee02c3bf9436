"""Judging an address that somebody typed, before any name is looked up: what is wrong with it, all of it, as sentences."""

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from yarl import URL

from notify.alerts.alert import Mode
from notify.partners.inner_networks import Address, Network, is_inner, why_inner, within

PORTS: Final = frozenset({443, 8443})
PLAIN_PORTS: Final = frozenset({80, 8080})
LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
MOST_LETTERS: Final = 2000
UNSAFE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a last label that a resolver may take for an IPv4 address


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What requests of ours may be sent to.

    inside    inner networks that are allowed nevertheless, on any port
    ports     allowed ports of everything else
    plain     whether http is allowed beside https, on ports 80 and 8080
    outside   whether the public internet may be reached at all
    """

    inside: tuple[Network, ...] = ()
    ports: frozenset[int] = PORTS
    plain: bool = False
    outside: bool = True

    def may_connect(self, address: Address, port: int) -> str:
        """Why this address and port may not be connected to; "" when they may."""
        if within(address, self.inside):
            return ""
        if why := why_inner(address):
            return f"{address} is an inner address ({why})"
        if not self.outside:
            return f"{address} is not on this machine, and mode demo reaches nothing else"
        return "" if port in self.all_ports else self._wrong_port(port)

    @property
    def all_ports(self) -> frozenset[int]:
        return self.ports | PLAIN_PORTS if self.plain else self.ports

    def _wrong_port(self, port: int) -> str:
        return f"port {port} is not one of {', '.join(str(one) for one in sorted(self.all_ports))}"


def rules(mode: Mode, inside: str, ports: str) -> Rules:
    """What a mode and the two settings allow: live speaks https; demo, whose alerts look real, reaches this machine alone.
    Raises ValueError for what setting_problems names."""
    networks = [ip_network(text) for text in (*_items(inside), *(LOOPBACK if mode is Mode.DEMO else ()))]
    return Rules(
        inside=tuple(networks),
        ports=frozenset(int(text) for text in _items(ports)) or PORTS,
        plain=mode is not Mode.LIVE,
        outside=mode is not Mode.DEMO,
    )


def setting_problems(inside: str, ports: str) -> list[str]:
    """What cannot be meant in the settings, as sentences: each network inner, each port a number."""
    found = []
    for text in _items(inside):
        try:
            if not is_inner(ip_network(text)):
                found.append(f"TOCSIN_EGRESS_INSIDE: {text} is no inner network")
        except ValueError as error:
            found.append(f"TOCSIN_EGRESS_INSIDE: {error}")
    wrong = [text for text in _items(ports) if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536)]
    return found + [f"TOCSIN_EGRESS_PORTS: '{text}' is no port" for text in wrong]


def problems(text: str, rules: Rules) -> list[str]:
    """Everything wrong with an address as typed, as sentences; a name may still lead to an address that is refused later."""
    if len(text) > MOST_LETTERS:
        return [f"The address is longer than {MOST_LETTERS} letters."]
    if UNSAFE.search(text):
        return ["The address holds a space, a backslash or a letter that cannot be seen."]
    try:
        url = URL(text)
        port = url.port
    except ValueError as error:
        return [f"This is no web address: {error}."]
    schemes = ("https", "http") if rules.plain else ("https",)
    found = [] if url.scheme in schemes else [f"The address must begin with {' or '.join(f'{one}://' for one in schemes)}."]
    if url.raw_user is not None or url.raw_password is not None:
        found.append("The address holds a name or a password before '@'; leave them out.")
    if url.raw_fragment:
        found.append("The address ends in '#...', which is never sent; leave it out.")
    return [*found, *_of_host(url.raw_host or "", port or 0, rules)]


def literal(host: str) -> Address | None:
    """The IP address a host is; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _of_host(host: str, port: int, rules: Rules) -> list[str]:
    if not host:
        return ["The address names no host."]
    if (address := literal(host)) is not None:
        why = rules.may_connect(address, port)
        return [f"Nothing is sent there: {why}."] if why else []
    labels = host.removesuffix(".").split(".")
    if NUMBER.fullmatch(labels[-1]):
        return [f"'{host}' is no name, and no IP address as one writes it: four numbers from 0 to 255."]
    if len(host) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        return [f"'{host[:80]}' cannot be the name of a host."]
    return [] if port in rules.all_ports or rules.inside else [f"Nothing is sent there: {rules._wrong_port(port)}."]


def _items(text: str) -> list[str]:
    return [item for item in (piece.strip() for piece in text.split(",")) if item]

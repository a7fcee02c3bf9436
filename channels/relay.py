"""The mail relay: its settings, what is wrong with them, and how a connection to it is opened and closed."""

import asyncio
import logging
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupported,
    SMTPResponseException,
)

from channels.base import Misconfigured
from channels.dkim import Signer
from channels.mime import DOMAIN, Letterhead, mailbox
from channels.smtp import Dialogue

logger = logging.getLogger(__name__)

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
BOUNCE_KEY_BYTES_MIN = 16
QUIT_WAIT_S = 2.0  # a relay that does not say goodbye is left without


class Security(StrEnum):
    NONE = "none"  # in clear: only for a relay on this machine or its private network
    STARTTLS = "starttls"  # in clear, then encrypted before anything is said; never without (port 587 or 25)
    TLS = "tls"  # encrypted from the first byte (port 465)


class Unreachable(Exception):
    """The relay does not answer, or does not take us now. The message says what happened; trying again may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The mail server that takes our mail, and how we present ourselves to it and to the people we write to.

    ca_file             PEM file of the authority that signed the relay's certificate; "" for the system's own
    connections         kept open at most; one mail travels on each at a time
    command_timeout_s   seconds to wait for the reply to a command, and for each step of opening a connection
    accepting_timeout_s seconds to wait for the reply to a whole mail. RFC 5321 asks for 600: who gives up earlier risks
                        that the mail was taken after all
    idle_s              an unused connection older than this is replaced before it is used: something on the way may
                        have forgotten it
    bounce_domain       where bounces come back to (bounce+...@bounce_domain); it also names us in EHLO and Message-IDs
    bounce_key          secret that signs return paths
    public_url          https address under which /unsubscribe/{recipient} is served
    list_id             dotted name of the list for mail programs' filters, "alerts.example.gov"; "" for none
    signs_dkim          a person's statement that the relay adds the DKIM signature, covering the unsubscribe headers
    """

    host: str
    port: int = 587
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    connections: int = 10
    messages_per_connection: int = 100
    connect_timeout_s: float = 10.0
    command_timeout_s: float = 60.0
    accepting_timeout_s: float = 300.0
    idle_s: float = 30.0
    from_name: str
    from_address: str
    reply_to: str = ""
    bounce_domain: str
    bounce_key: bytes = field(repr=False)
    public_url: str
    list_id: str = ""
    signs_dkim: bool = False

    @property
    def letterhead(self) -> Letterhead:
        return Letterhead(
            from_name=self.from_name,
            from_address=self.from_address,
            reply_to=self.reply_to,
            list_id=self.list_id,
            domain=self.bounce_domain,
            unsubscribe=f"{self.public_url.rstrip('/')}/unsubscribe/",
        )


def problems(relay: Relay, signer: Signer | None) -> list[str]:
    """Everything that is wrong with the settings, in sentences that name the setting."""
    found = [*_wrong_server(relay), *_wrong_identity(relay), *_wrong_signature(relay, signer)]
    for name in ("connections", "messages_per_connection"):
        if getattr(relay, name) < 1:
            found.append(f"{name} must be at least 1.")
    for name in ("connect_timeout_s", "command_timeout_s", "accepting_timeout_s", "idle_s"):
        if not getattr(relay, name) > 0:
            found.append(f"{name} must be more than 0 seconds.")
    return found


def _wrong_server(relay: Relay) -> list[str]:
    found = []
    if not _is_host(relay.host):
        found.append("host is not the name or address of a mail server.")
    if not 1 <= relay.port <= 65535:
        found.append("port must lie between 1 and 65535.")
    if bool(relay.username) != bool(relay.password):
        found.append("username and password must be set both or neither.")
    if relay.username and relay.security is Security.NONE and relay.host not in LOOPBACK:
        found.append("security is none: the password would cross the network in clear. Set it to starttls or tls.")
    return found


def _is_host(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return DOMAIN.fullmatch(host) is not None
    return True


def _wrong_identity(relay: Relay) -> list[str]:
    found = []
    for name, address in (("from_address", relay.from_address), ("reply_to", relay.reply_to or relay.from_address)):
        try:
            if mailbox(address) != address:
                found.append(f"{name} must be written in plain ASCII.")
        except ValueError as problem:
            found.append(f"{name}: {problem}")
    if not DOMAIN.fullmatch(relay.bounce_domain):
        found.append("bounce_domain is not a domain name.")
    if relay.list_id and not DOMAIN.fullmatch(relay.list_id):
        found.append("list_id is not a dotted name such as alerts.example.gov.")
    if len(relay.bounce_key) < BOUNCE_KEY_BYTES_MIN:
        found.append(f"bounce_key needs at least {BOUNCE_KEY_BYTES_MIN} bytes.")
    if not _is_public_url(relay.public_url):
        found.append("public_url must be a plain https address: mail programs unsubscribe by it (RFC 8058).")
    return found


def _is_public_url(url: str) -> bool:
    """https, or http on this machine for a demonstration; nothing that could end the angle brackets or the header."""
    if not url.isascii() or not url.isprintable() or set(url) & set(' <>"\\^`{|}?#,;') or len(url) > 500:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


def _wrong_signature(relay: Relay, signer: Signer | None) -> list[str]:
    if signer is None:
        if relay.signs_dkim:
            return []
        return [
            "Nobody signs the mail: set the DKIM key, selector and domain, or state with signs_dkim that the relay signs"
            " (RFC 8058 asks for a signature over the unsubscribe headers)."
        ]
    domain = relay.from_address.rpartition("@")[2].lower()
    if domain != signer.domain.lower() and not domain.endswith("." + signer.domain.lower()):
        return [f"The DKIM domain {signer.domain} must be that of from_address or a parent of it, or DMARC fails."]
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An open connection: aiosmtplib's, and the dialogue that has taken its transport over."""

    smtp: SMTP
    dialogue: Dialogue

    def drop(self) -> None:
        """Disconnects without a word."""
        self.smtp.close()

    async def close(self) -> None:
        """Says QUIT if anybody still listens, and disconnects."""
        transport, protocol = self.smtp.transport, self.smtp.protocol
        if transport is not None and protocol is not None and not transport.is_closing():
            transport.set_protocol(protocol)
            try:
                await self.smtp.quit(timeout=QUIT_WAIT_S)
            except SMTPException as refusal:
                logger.debug("the relay did not take leave: %s", type(refusal).__name__)
        self.smtp.close()


def tls_context(relay: Relay) -> ssl.SSLContext | None:
    """Raises Misconfigured when ca_file cannot be used."""
    if relay.security is Security.NONE:
        return None
    try:
        return ssl.create_default_context(cafile=relay.ca_file or None)
    except OSError as failure:
        raise Misconfigured(f"ca_file {relay.ca_file} cannot be used: {failure.strerror or failure}.") from failure


async def connect(relay: Relay, context: ssl.SSLContext | None) -> Connection:
    """A connection that is greeted, encrypted and logged in. Raises Unreachable, or Misconfigured naming the setting."""
    smtp = SMTP(
        hostname=relay.host,
        port=relay.port,
        username=relay.username or None,
        password=relay.password or None,
        local_hostname=relay.bounce_domain,
        timeout=relay.command_timeout_s,
        use_tls=relay.security is Security.TLS,
        start_tls=relay.security is Security.STARTTLS,
        tls_context=context,
    )
    try:
        await smtp.connect(timeout=relay.connect_timeout_s)
        if smtp.is_ehlo_or_helo_needed:
            await smtp.ehlo()
        if not smtp.is_connected:
            raise Unreachable(f"The relay {relay.host}:{relay.port} closed the connection at once.")
    except (SMTPException, OSError) as failure:
        smtp.close()
        raise _explained(relay, failure) from failure
    except BaseException:
        smtp.close()
        raise
    transport = cast(asyncio.Transport, smtp.transport)
    dialogue = Dialogue(
        transport,
        pipelining=smtp.supports_extension("pipelining"),
        limit=relay.messages_per_connection,
        waits=(relay.command_timeout_s, relay.accepting_timeout_s),
    )
    transport.set_protocol(dialogue)
    return Connection(smtp=smtp, dialogue=dialogue)


def _explained(relay: Relay, failure: Exception) -> Misconfigured | Unreachable:
    """Who must act on a connection that could not be opened: us (Misconfigured), or nobody yet (Unreachable)."""
    where = f"{relay.host}:{relay.port}"
    certificate = next((e for e in (failure, failure.__cause__) if isinstance(e, ssl.SSLError)), None)
    if isinstance(failure, SMTPAuthenticationError) and failure.code // 100 == 5:
        return Misconfigured(f"The relay {where} refuses username and password ({failure.code}).")
    if certificate is not None:
        return Unreachable(f"No encrypted connection to {where}: {certificate.reason or certificate}. See security, ca_file.")
    if isinstance(failure, SMTPResponseException):
        return Unreachable(f"The relay {where} does not take us now ({failure.code}).")
    if isinstance(failure, SMTPNotSupported) or type(failure) is SMTPException:
        return Misconfigured(f"The relay {where} does not offer what security and username ask for: {failure.message}")
    cause = failure.__cause__ or failure
    return Unreachable(f"No connection to {where}: {str(cause) or type(cause).__name__}. See host, port.")

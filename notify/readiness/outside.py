"""What the world sees: the public page and feeds, their certificate, the machine's clock, and the mail's records in DNS."""

import asyncio
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from notify.readiness import dns, mail_records
from notify.readiness.findings import Finding, failed, judged, passed, unknown
from notify.settings import Settings

REACHED: Final = "public: reached"
FEEDS: Final = "public: feeds"
FRESH: Final = "public: fresh"
TLS: Final = "public: certificate"
CLOCK: Final = "machine: clock"
LONGEST_OLD: Final = timedelta(hours=2)  # status.json names the log's head of the hour
LEAST_LEFT: Final = timedelta(days=30)
MOST_SKEW_S: Final = 5.0
PATIENCE_S: Final = 10.0
FEED_NAMES: Final = ("active.atom", "active.rss", "active.geojson")


@dataclass(frozen=True, slots=True)
class Certificate:
    until: datetime
    issuer: str


async def public(settings: Settings, now: datetime) -> list[Finding]:
    """The public pages as this machine sees them from its own name."""
    base = settings.public_url.rstrip("/")
    prefix = "demo/" if settings.mode == "demo" else ""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S)) as session:
        try:
            async with session.get(f"{base}/{prefix}status.json") as answer:
                status, body = answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            says = f"{base} does not answer: {type(error).__name__}."
            do = "Start the service; then check DNS, firewall, proxy and TOCSIN_PUBLIC_URL."
            return [failed(REACHED, says, do), failed(FEEDS, "No feed can be read either.", do)]
        found = [_reached(base, status), fresh(body if status == 200 else b"", now)]
        return [*found, await _feeds(session, f"{base}/{prefix}feeds")]


def _reached(base: str, status: int) -> Finding:
    if status != 200:
        return failed(REACHED, f"{base}/status.json answers {status}.", "Look at the proxy before the service.")
    host = urlsplit(base).hostname or ""
    if private(host):
        return failed(
            REACHED, f"{base} is an address of this machine or network only.", "Set TOCSIN_PUBLIC_URL to a public name."
        )
    says = f"{base} answers this machine; whether it answers the world is not seen from here."
    return unknown(REACHED, says, "Open it on a phone without the city's network. A signed report below shows it too.")


def private(host: str) -> bool:
    """Whether an address can only be of this machine or network. A name is not looked up."""
    if host in ("localhost", "") or host.endswith((".local", ".internal", ".lan")):
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host


def fresh(body: bytes, now: datetime) -> Finding:
    try:
        at = datetime.fromisoformat(json.loads(body)["log"]["at"])
    except (ValueError, KeyError, TypeError):
        return failed(FRESH, "status.json does not say when it was written.", "See docs/operations.md, publishing.")
    age = now - at
    says = f"status.json was written {age // timedelta(minutes=1)} minutes ago"
    if not -timedelta(minutes=5) < age < LONGEST_OLD:
        return failed(FRESH, f"{says}.", "Is the service running? Does a cache before it keep pages too long?")
    return passed(FRESH, f"{says}, within two hours.")


async def _feeds(session: aiohttp.ClientSession, base: str) -> Finding:
    faults = []
    for name in FEED_NAMES:
        try:
            async with session.get(f"{base}/{name}") as answer:
                if answer.status != 200 or not await answer.read():
                    faults.append(f"{name} answers {answer.status}.")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            faults.append(f"{name} does not answer: {type(error).__name__}.")
    return judged(FEEDS, faults, f"{', '.join(FEED_NAMES)} can be read.", "See docs/operations.md, publishing.")


async def certificate(settings: Settings, now: datetime, trusted: ssl.SSLContext | None = None) -> Finding:
    """The public URL's certificate: trusted, for this name, and with a month left. trusted: whom to believe; the system's."""
    parts = urlsplit(settings.public_url)
    if parts.scheme != "https":
        do = "Serve the public pages over https: sign-up, links in texts and Twilio's posts go there."
        return failed(TLS, f"{settings.public_url} is not https.", do)
    context = trusted or ssl.create_default_context()
    try:
        held = await asyncio.wait_for(_handshake(parts.hostname or "", parts.port or 443, context), PATIENCE_S)
    except ssl.SSLCertVerificationError as error:
        return failed(TLS, f"The certificate is not accepted: {error.verify_message}.", "Renew or correct it.")
    except (OSError, TimeoutError) as error:
        return failed(TLS, f"No TLS connection: {type(error).__name__}.", "Check DNS, firewall and proxy.")
    left = held.until - now
    says = f"The certificate of {parts.hostname} by {held.issuer} ends in {left // timedelta(days=1)} days."
    if left < LEAST_LEFT:
        return failed(TLS, says, "Renew it, and have it renewed by itself; both need looking at every month.")
    return passed(TLS, says)


async def _handshake(host: str, port: int, context: ssl.SSLContext) -> Certificate:
    _, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
    found = x509.load_der_x509_certificate(der)
    names = found.issuer.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    return Certificate(until=found.not_valid_after_utc, issuer=str(names[0].value) if names else found.issuer.rfc4514_string())


def clock(skew_s: float | None) -> Finding:
    """skew_s: how far the provider's clock is ahead of ours."""
    if skew_s is None:
        return unknown(
            CLOCK, "Nobody outside could be asked for the time.", "Run `timedatectl`: it must say 'synchronized: yes'."
        )
    says = f"This machine's clock is {abs(skew_s):.0f} s {'behind' if skew_s > 0 else 'ahead of'} the provider's"
    if abs(skew_s) > MOST_SKEW_S:
        return failed(CLOCK, f"{says}.", "Run a time service (`timedatectl set-ntp true`).")
    return passed(CLOCK, f"{says}, within {MOST_SKEW_S:g} s.")


async def mail(settings: Settings, domain: str) -> list[Finding]:
    """What DNS says of the city's mail."""
    try:
        at = dns.server(settings.dns_server)
    except (dns.NoAnswer, ValueError) as error:
        return [_unasked(check, str(error)) for check in (mail_records.SPF, mail_records.DKIM, mail_records.DMARC)]
    found = []
    try:
        found.append(mail_records.spf(await dns.txt(domain, at), domain))
    except dns.NoAnswer as error:
        found.append(_unasked(mail_records.SPF, str(error)))
    found.append(await _dkim(settings, domain, at))
    try:
        records = {one: await dns.txt(f"_dmarc.{one}", at) for one in mail_records.above(domain)}
        found.append(mail_records.dmarc(records, domain))
    except dns.NoAnswer as error:
        found.append(_unasked(mail_records.DMARC, str(error)))
    return found


async def _dkim(settings: Settings, domain: str, at: dns.NameServer) -> Finding:
    if not settings.dkim_selector:
        if settings.smtp_relay_signs_dkim:
            return unknown(mail_records.DKIM, "The relay signs, under a selector that is not set here.", mail_records.SEE_MAIL)
        do = "Set TOCSIN_DKIM_SELECTOR and TOCSIN_DKIM_KEY_FILE, or let the relay sign (TOCSIN_SMTP_RELAY_SIGNS_DKIM)."
        return failed(mail_records.DKIM, "Nobody signs the city's mail.", do)
    name = f"{settings.dkim_selector}._domainkey.{domain}"
    try:
        held = public_half(settings.dkim_key_file.read_bytes()) if settings.dkim_key_file else None
        return mail_records.dkim(await dns.txt(name, at), name, held)
    except dns.NoAnswer as error:
        return _unasked(mail_records.DKIM, str(error))
    except (OSError, ValueError, TypeError) as error:
        return failed(
            mail_records.DKIM, f"TOCSIN_DKIM_KEY_FILE cannot be used: {error}.", "Point it at the private key in PEM."
        )


def public_half(pem: bytes) -> bytes:
    """What p= must hold: SubjectPublicKeyInfo of an RSA key (RFC 6376), the bare 32 bytes of an Ed25519 one (RFC 8463)."""
    key = load_pem_private_key(pem, password=None).public_key()
    if isinstance(load_pem_private_key(pem, password=None), RSAPrivateKey):
        return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return bytes(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def _unasked(check: str, why: str) -> Finding:
    return unknown(
        check, f"DNS could not be asked: {why}.", "Set TOCSIN_DNS_SERVER, or ask from another machine: dig TXT NAME."
    )


def utc_now() -> datetime:
    return datetime.now(UTC)


def verdicts(findings: Sequence[Finding]) -> dict[str, int]:
    """How many of each verdict there are."""
    return {verdict: sum(1 for one in findings if one.verdict == verdict) for verdict in ("pass", "fail", "cannot know")}

"""`tocsin cap ...`: what partners' readers would say of a CAP document, the key ours are signed with, and exports."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, get_args
from urllib.parse import quote

import aiohttp
import typer
from cryptography.x509 import Certificate, load_pem_x509_certificates

from notify import city, data, keys
from notify.cli.client import Client
from notify.cli.say import Exit, Json, refuse, sentences, show
from notify.publishing import cap_certificates, cap_check, cap_signature
from notify.publishing.cap_check import Problem, Profile
from notify.publishing.cap_document import MOST_BYTES, Unreadable
from notify.publishing.cap_signature import Signer
from notify.settings import Settings, load

app = typer.Typer(help="CAP documents, ours or anybody's.", no_args_is_help=True)

PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)
ANSWER_S: Final = 10.0


@app.command()
def check(
    documents: Annotated[list[str], typer.Argument(metavar="FILE|URL...", help="Files, or http(s) addresses.")],
    profile: Annotated[
        list[str] | None, typer.Option(help=f"Whose rules, any of {', '.join(PROFILES)}; cap and google without it.")
    ] = None,
    signed: Annotated[bool, typer.Option(help="Also refuse what is not rightly signed.")] = False,
    trust: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE|URL", help="PEM of certificates that may sign, like .../feeds/signers.pem."),
    ] = None,
    json: Json = False,
) -> None:
    """Says everything wrong with CAP 1.2 documents, by line. Ends with 1 when there is more than advice."""
    asked, trusted = _profiles(profile or ["cap", "google"]), _certificates(trust or [])
    found = {}
    for name in documents:
        xml = _bytes_of(name)
        found[name] = _problems(xml, asked) + (_of_signature(xml, trusted) if signed or trust else [])
    said = {name: [asdict(one) for one in problems] for name, problems in found.items()}
    show(said, json, [line for name, problems in found.items() for line in _lines(name, problems)])
    if any(not one.advice for problems in found.values() for one in problems):
        raise typer.Exit(Exit.REFUSED)


@app.command()
def key(
    elliptic: Annotated[bool, typer.Option(help="ECDSA P-256 instead of RSA: shorter; IPAWS takes RSA only.")] = False,
    years: Annotated[int, typer.Option(min=1, max=10, help="How long the certificate is valid.")] = 3,
    key_file: Annotated[Path | None, typer.Option(help="A private key (PEM, no password) that you have already.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Its certificate (PEM).")] = None,
    json: Json = False,
) -> None:
    """Adds a key that CAP documents are signed with, beside the earlier ones, whose certificates stay published."""
    with sentences():
        settings = load()
        signer = _given(key_file, certificate) if key_file or certificate else _made(settings, elliptic, years)
        keys.add_signer(settings.keys_file, signer)
    found = signer.certificate
    until, print_of = f"{found.not_valid_after_utc:%Y-%m-%d}", cap_certificates.fingerprint(found)
    lines = [
        f"Documents are signed as {found.subject.rfc4514_string()} until {until}, from the next start of the service on.",
        f"SHA-256 of the certificate: {print_of}. Partners find it at /feeds/signers.pem; tell them this number another way.",
    ]
    show({"signer": found.subject.rfc4514_string(), "until": until, "sha256": print_of}, json, lines)


@app.command()
def export(
    alert_id: Annotated[str, typer.Argument(help="An approved alert, like K7Q2X-1.")],
    profile: Annotated[str, typer.Option(help="cap, ipaws, or edxl for an EDXL-DE envelope.")] = "cap",
    output: Annotated[Path | None, typer.Option(help="Write it here instead of on the screen.")] = None,
) -> None:
    """The CAP document of an approved alert. For IPAWS it is a draft for whoever may originate there; nothing is sent."""
    with sentences():
        found = Client().get(f"/alerts/{quote(alert_id)}/cap?profile={quote(profile)}")
        if output is not None:
            output.write_text(found["document"], "utf-8")
    if output is None:
        typer.echo(found["document"])
    if found["note"]:
        typer.echo(found["note"], err=True)


def _made(settings: Settings, elliptic: bool, years: int) -> Signer:
    pack = city.load(city.find(settings.city, data.folder("city"))).pack
    fresh, life = cap_certificates.new_key(elliptic=elliptic), timedelta(days=365 * years)
    return Signer(fresh, cap_certificates.self_signed(fresh, pack.sender, pack.publisher, datetime.now(UTC), life))


def _given(key_file: Path | None, certificate: Path | None) -> Signer:
    if key_file is None or certificate is None:
        refuse(["Give both --key-file and --certificate."], Exit.USAGE)
    try:
        return cap_certificates.of_files(key_file, certificate)
    except cap_certificates.BadCertificate as error:
        refuse([str(error)])


def _certificates(names: Sequence[str]) -> list[Certificate]:
    found: list[Certificate] = []
    for name in names:
        try:
            found += load_pem_x509_certificates(_bytes_of(name))
        except ValueError:
            refuse([f"{name} holds no certificate in PEM form."])
    return found


def _of_signature(xml: bytes, trusted: Sequence[Certificate]) -> list[Problem]:
    """What is wrong with the signature. Where nobody said whom to trust, it is only judged whether it holds by itself."""
    try:
        own = [] if trusted else [one for one in [cap_signature.shown_certificate(xml)] if one is not None]
    except Unreadable as error:
        return [error.problem]
    found = cap_signature.problems(xml, [*trusted, *own], datetime.now(UTC))
    if own and not any(not one.advice for one in found):
        whose = f"{own[0].subject.rfc4514_string()}, SHA-256 {cap_certificates.fingerprint(own[0])}"
        sentence = f"Anybody can make such a certificate; name with --trust whom you believe. It is signed by {whose}."
        found.append(Problem(rule="SIGNER_NOT_NAMED", sentence=sentence, advice=True))
    return found


def _profiles(names: Sequence[str]) -> list[Profile]:
    if unknown := [name for name in names if name not in PROFILES]:
        refuse([f"There is no profile {name!r}; there are {', '.join(PROFILES)}." for name in unknown], Exit.USAGE)
    return [profile for profile in PROFILES if profile in names]


def _problems(xml: bytes, profiles: Sequence[Profile]) -> list[Problem]:
    """Each problem once, by line: the profiles share the standard's rules."""
    found = dict.fromkeys(one for profile in profiles for one in cap_check.problems(xml, profile))
    return sorted(found, key=lambda one: one.line)


def _lines(name: str, problems: Sequence[Problem]) -> list[str]:
    if not problems:
        return [f"{name}: nothing wrong."]
    return [f"{name}:{one.line}: {'advice, ' if one.advice else ''}{one.rule}: {one.sentence}" for one in problems]


def _bytes_of(name: str) -> bytes:
    """The document, as far as it may be long. A file that is not there, or a server that does not answer, ends the command."""
    if name.startswith(("http://", "https://")):
        return asyncio.run(_fetched(name))
    try:
        with Path(name).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        refuse([f"{name} cannot be read: {error.strerror}."])


async def _fetched(url: str) -> bytes:
    try:
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            if answer.status != 200:
                refuse([f"{url} answers with {answer.status}."])
            return await _read(answer.content)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        refuse([f"{url} cannot be fetched: {error or 'no answer'}."], Exit.NOT_REACHABLE)


async def _read(body: aiohttp.StreamReader) -> bytes:
    found = bytearray()
    async for piece in body.iter_chunked(65_536):
        found += piece
        if len(found) > MOST_BYTES:
            break
    return bytes(found)

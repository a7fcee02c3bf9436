"""P3: mails handed over per second by our channel in one process, beside Postfix's smtp-source, both to the same smtp-sink.

The peer is a C program that sends one canned message over and over; ours composes each mail for its recipient, with a
return path, Message-ID and unsubscribe link of its own. Both keep 50 connections and send messages of the same size. The
sink is run without PIPELINING, where each command waits for its reply on both sides, and with it, where only ours uses it.
"""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count

import uvloop
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.figures import Figure
from channels.base import Content, Handed, Outbound
from channels.dkim import Signer
from channels.email import Relay, SmtpEmail
from channels.mime import build
from channels.relay import Security

ROUNDS = 5
MAILS = 20_000
WARM_UP = 1_000  # connections opened, template built; not measured
BATCH = 500  # what the dispatcher claims at once
SESSIONS = 50
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postfix"
SEARCH = "/usr/sbin:/usr/bin:/usr/local/sbin"

TEXT = (
    "BOIL YOUR WATER in Portland.\n\nBoil tap water for one full minute before you drink it, cook or brush teeth with it, "
    "or use bottled water. Tests on May 23 found E. coli. Who: everybody served by the Portland Water Bureau. We flush and "
    "test; next news at 8 PM. Questions: call 311.\n\nSource: Portland Water Bureau, May 23, 11:16 AM.\n"
    "https://alerts.example.gov/a/7Q2K\n"
)
CONTENTS = [
    Content(
        key=f"email/first/{language}",
        language=language,
        subject="Boil water – Portland – until further notice",
        body=TEXT,
        html="<!doctype html><html><body>" + "".join(f"<p>{line}</p>" for line in TEXT.split("\n") if line) + "</body></html>",
    )
    for language in ("en", "es", "vi", "zh-Hant", "ru", "uk", "ro", "so", "ar", "ja", "lo", "ko")
]


def run() -> list[Figure]:
    """Prints the line that installs what is missing and exits with 2 when the peer is not there."""
    tools = {name: shutil.which(name, path=SEARCH) for name in ("smtp-sink", "smtp-source")}
    if not all(tools.values()):
        print(f"P3 needs Postfix's smtp-sink and smtp-source. As root: {INSTALL}", file=sys.stderr)
        raise SystemExit(2)
    sink, source = tools["smtp-sink"] or "", tools["smtp-source"] or ""
    return [
        figure(sink, source, pipelining=False, name="P3 e-mail, a reply awaited for each command", target=0.25),
        figure(sink, source, pipelining=True, name="P3 stretch, e-mail pipelined", target=1.3),
        signed_figure(sink),
    ]


def figure(sink: str, source: str, *, pipelining: bool, name: str, target: float) -> Figure:
    ours, peers = [], []
    numbers = count()
    with sinking(sink, pipelining) as port:
        size = len(build(CONTENTS[0], a_relay(port).letterhead).rest)
        for _ in range(ROUNDS):
            ours.append(uvloop.run(our_rate(port, numbers)))
            peers.append(peer_rate(source, port, size))
    return Figure(
        name=name,
        unit="mails/s",
        ours=ours,
        peer=peers,
        peer_name=f"smtp-source -d -s {SESSIONS} -l {size}",
        target_ratio=target,
    )


def signed_figure(sink: str) -> Figure:
    key = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    signer = Signer("example.gov", "bench", key)
    numbers = count()
    with sinking(sink, pipelining=True) as port:
        ours = [uvloop.run(our_rate(port, numbers, MAILS // 10, signer)) for _ in range(ROUNDS)]
    return Figure(name="e-mail pipelined and signed by us, RSA-2048", unit="mails/s", ours=ours)


@contextlib.contextmanager
def sinking(sink: str, pipelining: bool) -> Iterator[int]:
    """A running smtp-sink; gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    flags = ["-u", "nobody", *([] if pipelining else ["-p"])]
    process = subprocess.Popen([sink, *flags, f"127.0.0.1:{port}", "500"])
    try:
        until = time.monotonic() + 10
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            if time.monotonic() > until:
                raise RuntimeError("smtp-sink does not listen")
        yield port
    finally:
        process.terminate()
        process.wait()


def a_relay(port: int) -> Relay:
    return Relay(
        host="127.0.0.1",
        port=port,
        security=Security.NONE,
        connections=SESSIONS,
        messages_per_connection=1_000_000,
        from_name="City of Portland Alerts",
        from_address="alerts@example.gov",
        bounce_domain="bounces.example.gov",
        bounce_key=b"a key for benchmarks only",
        public_url="https://alerts.example.gov",
        list_id="alerts.example.gov",
        signs_dkim=True,
    )


async def our_rate(port: int, numbers: Iterator[int], mails: int = MAILS, signer: Signer | None = None) -> float:
    channel = SmtpEmail(a_relay(port), signer)
    await channel.open()
    await hand_over(channel, numbers, WARM_UP)
    began = time.perf_counter()
    await hand_over(channel, numbers, mails)
    took = time.perf_counter() - began
    await channel.close()
    return mails / took


async def hand_over(channel: SmtpEmail, numbers: Iterator[int], mails: int) -> None:
    for _ in range(mails // BATCH):
        batch = [outbound(next(numbers)) for _ in range(BATCH)]
        async for receipt in channel.send(batch):
            if not isinstance(receipt.outcome, Handed):
                raise RuntimeError(f"a mail was not taken: {receipt.outcome}")


def outbound(number: int) -> Outbound:
    return Outbound(
        delivery_id=number,
        event_id="01J5Z8Q2K7",
        address=f"resident{number}@example.gov",
        content=CONTENTS[number % len(CONTENTS)],
        recipient=f"r{number:012x}",
    )


def peer_rate(source: str, port: int, size: int) -> float:
    command = [source, "-d", "-s", str(SESSIONS), "-l", str(size), "-m", str(MAILS)]
    began = time.perf_counter()
    subprocess.run([*command, "-f", "alerts@example.gov", "-t", "resident@example.gov", f"127.0.0.1:{port}"], check=True)
    return MAILS / (time.perf_counter() - began)


if __name__ == "__main__":
    for measured in run():
        print(measured.line())

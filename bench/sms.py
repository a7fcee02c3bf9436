"""P4: texts handed over per second over HTTPS by our channel, beside the twilio package's own async client.

Both post to the same nginx, which answers every request with the same Message resource over TLS 1.3, so that what is measured
is the client. Each run is a process of its own under uvloop; runs alternate.
"""

import asyncio
import contextlib
import datetime
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from bench.figures import Figure
from channels.base import Content, Handed, Outbound
from channels.sms import TwilioSms
from channels.twilio_http import TwilioAccount, TwilioGateway

ROUNDS = 5
MESSAGES = 10_000
WARM_UP = 500  # connections opened, caches filled; not measured
AT_ONCE = 100
BATCH = 250  # what the dispatcher claims at once
ACCOUNT_SID, TOKEN, FROM = "AC" + "5" * 32, "simulated-token", "+15035550100"
PUBLIC_URL = "https://alerts.example.gov"
BODY = (
    "City of Portland: boil tap water 1 full minute before drinking or cooking, or use bottled water. "
    "Source: Water Bureau, May 23 11:16 AM. alerts.example.gov/a/7Q2K"
)
REPLY = {
    "account_sid": ACCOUNT_SID,
    "api_version": "2010-04-01",
    "body": BODY,
    "date_created": "Fri, 23 May 2014 18:16:00 +0000",
    "date_sent": None,
    "date_updated": "Fri, 23 May 2014 18:16:00 +0000",
    "direction": "outbound-api",
    "error_code": None,
    "error_message": None,
    "from": FROM,
    "messaging_service_sid": None,
    "num_media": "0",
    "num_segments": "1",
    "price": None,
    "price_unit": "USD",
    "sid": "SM" + "0" * 31 + "1",
    "status": "queued",
    "subresource_uris": {"media": f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/SM{'0' * 31}1/Media.json"},
    "to": "+15035550123",
    "uri": f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/SM{'0' * 31}1.json",
}
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    default_type application/json;
    location / {{ return 201 '{reply}'; }}
    location ~ ^/2010-04-01/Accounts/[^/]+$ {{ return 200 '{{"status": "active"}}'; }}
  }}
}}
"""

Send = Callable[[int, int], Awaitable[None]]  # hands over messages number first to last - 1


def run() -> list[Figure]:
    """Measures. Ends the process with status 2 when nginx is missing."""
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if nginx is None:
        print("The SMS benchmark needs nginx: apt-get install --no-install-recommends nginx", file=sys.stderr)
        raise SystemExit(2)
    rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    cpu: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory() as folder, server(nginx, Path(folder)) as url:
        for _ in range(ROUNDS):
            for name in CONTENDERS:
                rate, cpu_us = measure(name, url, Path(folder) / "cert.pem")
                rates[name].append(rate)
                cpu[name].append(cpu_us)
    peer = "twilio's AsyncTwilioHttpClient"
    least = {name: f"{min(values):.0f} us" for name, values in cpu.items()}
    note = f"least CPU of a text: ours {least['ours']}, one by one {least['singly']}, stock {least['stock']}"
    return [
        Figure(
            name="P4 texts over HTTPS, one process",
            unit="texts/s",
            ours=rates["ours"],
            peer=rates["stock"],
            peer_name=peer,
            target_ratio=2.0,
            note=note,
        ),
        Figure(
            name="P4 texts over HTTPS, one process, each in a batch of its own (as when paced)",
            unit="texts/s",
            ours=rates["singly"],
            peer=rates["stock"],
            peer_name=peer,
            target_ratio=2.0,
        ),
    ]


@contextlib.contextmanager
def server(nginx: str, folder: Path) -> Iterator[str]:
    """nginx with the fixed reply on a free port of this machine, ended on the way out; yields its URL."""
    make_certificate(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, port=port, reply=json.dumps(REPLY)))
    process = subprocess.Popen([nginx, "-p", str(folder), "-c", str(configuration)])
    try:
        wait_for(port, process)
        yield f"https://localhost:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError(f"nginx ended with status {process.returncode} before it listened")
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)  # nothing tells us when a foreign process listens but a connection that succeeds
    raise RuntimeError("nginx did not listen within 10 s")


def make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - day, now + day)
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def measure(name: str, url: str, certificate: Path) -> tuple[float, float]:
    """Texts per second and CPU microseconds of a text, from a fresh process that trusts the certificate."""
    child = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "bench.sms", name, url],
        env=os.environ | {"SSL_CERT_FILE": str(certificate)},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    rate, cpu_us = json.loads(child.stdout)
    return rate, cpu_us


@contextlib.asynccontextmanager
async def channel(url: str) -> AsyncIterator[TwilioSms]:
    account = TwilioAccount(account_sid=ACCOUNT_SID, auth_token=TOKEN, public_url=PUBLIC_URL, base_url=url, connections=AT_ONCE)
    gateway = TwilioGateway(account)
    await gateway.open()  # TwilioSms.open would ask for the account, which the fixed reply is not
    yield TwilioSms(gateway, FROM)
    await gateway.close()


def outbounds(first: int, last: int) -> list[Outbound]:
    content = Content(key="sms/first/en", language="en", body=BODY)
    return [
        Outbound(delivery_id=number, event_id="bench", address=f"+1503555{number % 10_000:04}", content=content)
        for number in range(first, last)
    ]


async def hand_over(sms: TwilioSms, batch: list[Outbound]) -> None:
    async for receipt in sms.send(batch):
        if not isinstance(receipt.outcome, Handed):
            raise RuntimeError(f"not handed over: {receipt.outcome}")


@contextlib.asynccontextmanager
async def ours(url: str) -> AsyncIterator[Send]:
    async with channel(url) as sms:

        async def send(first: int, last: int) -> None:
            messages = outbounds(first, last)
            batches = iter([messages[start : start + BATCH] for start in range(0, len(messages), BATCH)])

            async def work() -> None:
                for batch in batches:
                    await hand_over(sms, batch)

            await asyncio.gather(work(), work())  # the next batch starts while the last of one is under way

        yield send


@contextlib.asynccontextmanager
async def singly(url: str) -> AsyncIterator[Send]:
    async with channel(url) as sms:

        async def send(first: int, last: int) -> None:
            messages = iter(outbounds(first, last))

            async def work() -> None:
                for message in messages:
                    await hand_over(sms, [message])

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))

        yield send


@contextlib.asynccontextmanager
async def stock(url: str) -> AsyncIterator[Send]:
    async with AsyncTwilioHttpClient() as http:
        client = Client(ACCOUNT_SID, TOKEN, http_client=http)
        client.api.base_url = url

        async def send(first: int, last: int) -> None:
            messages = iter(outbounds(first, last))

            async def work() -> None:
                for message in messages:
                    answer = await client.messages.create_async(
                        to=message.address,
                        from_=FROM,
                        body=message.content.body,
                        status_callback=f"{PUBLIC_URL}/reports/sms/{message.delivery_id}",
                    )
                    if not answer.sid:
                        raise RuntimeError("not handed over")

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))

        yield send


CONTENDERS = {"ours": ours, "stock": stock, "singly": singly}


async def contend(name: str, url: str) -> tuple[float, float]:
    async with CONTENDERS[name](url) as send:
        await send(0, WARM_UP)
        wall, cpu = time.perf_counter(), time.process_time()
        await send(WARM_UP, WARM_UP + MESSAGES)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return MESSAGES / wall, 1e6 * cpu / MESSAGES


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(uvloop.run(contend(sys.argv[1], sys.argv[2]))))
    else:
        for figure in run():
            print(figure.line())

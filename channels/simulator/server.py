"""Puts the simulator together and runs it: one process, one event loop, two ports."""

import asyncio
import json
import logging
import signal
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP

from channels.simulator.certificate import server_context
from channels.simulator.config import SimulatorConfig, problems
from channels.simulator.control import Control
from channels.simulator.exchange import Exchange
from channels.simulator.faults import Dice, Live
from channels.simulator.history import restore
from channels.simulator.journal import Journal, entries
from channels.simulator.mail import MailSink, drop
from channels.simulator.phonebook import Phonebook
from channels.simulator.phones_page import PhonesPage
from channels.simulator.rest import RestApi
from channels.simulator.tap import Tap
from channels.simulator.telephone.calls_page import CallsPage
from channels.simulator.telephone.control import TelephoneControl
from channels.simulator.telephone.exchange import LOG, Telephone
from channels.simulator.transcript import wordings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A simulator at work. `failed` is done, with the reason, when it can no longer work; `certificate` is the file a
    mail client has to trust, "" without STARTTLS."""

    sms_url: str
    phones_url: str
    smtp_port: int
    certificate: str
    exchange: Exchange
    telephone: Telephone
    mail: MailSink
    live: Live
    failed: asyncio.Future[None]


async def serve(config: SimulatorConfig) -> None:
    """Runs until SIGTERM or SIGINT. Prints one JSON line with sms_url, phones_url and smtp_port once all answer. Raises
    ValueError for a set-up that cannot run, and JournalBroken as soon as a log cannot be written."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with running(config) as simulator:
        ready = {"sms_url": simulator.sms_url, "phones_url": simulator.phones_url, "smtp_port": simulator.smtp_port}
        if simulator.certificate:
            ready["smtp_certificate"] = simulator.certificate
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        waiting = asyncio.ensure_future(ended.wait())
        either: list[asyncio.Future[Any]] = [waiting, simulator.failed]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if simulator.failed.done():
            simulator.failed.result()


@asynccontextmanager
async def running(config: SimulatorConfig) -> AsyncIterator[Running]:
    """A simulator inside this process, for as long as the block lasts. Raises as `serve` does."""
    wrong = problems(config)
    if wrong:
        raise ValueError(" ".join(wrong))
    async with AsyncExitStack() as stack:
        live = Live(sms=config.sms_faults, mail=config.mail_faults)
        tap = Tap()
        sms_log = Journal(config.log / "sms.jsonl", tap.hear)
        stack.push_async_callback(sms_log.close)
        smtp_log = Journal(config.log / "smtp.jsonl")
        stack.push_async_callback(smtp_log.close)

        exchange = Exchange(config, sms_log, live, time.time)
        stack.push_async_callback(exchange.poster.close)
        restore(exchange.carrier, entries(config.log / "sms.jsonl"), time.time())
        book = Phonebook(config.log, sms_log, tap, exchange.carrier, config.phones)
        await book.open()
        work = asyncio.create_task(exchange.run())
        stack.push_async_callback(_end, work)

        voice_log = Journal(config.log / LOG)
        stack.push_async_callback(voice_log.close)
        telephone = Telephone(config, voice_log, time.time)
        stack.push_async_callback(telephone.close)
        ringing = asyncio.create_task(telephone.run())
        stack.push_async_callback(_end, ringing)

        dice = Dice(f"{config.handsets.seed} mail")
        mail = MailSink(config.mail, smtp_log, live, dice, time.time)
        certificate = str(config.log / "smtp-certificate.pem") if config.mail.starttls else ""
        sms_url = await _open_sms(exchange, telephone, mail, book, stack)
        telephone.base_url = sms_url
        smtp_port = await _open_smtp(config, mail, stack)
        yield Running(
            sms_url=sms_url,
            phones_url=f"{sms_url}/phones",
            smtp_port=smtp_port,
            certificate=certificate,
            exchange=exchange,
            telephone=telephone,
            mail=mail,
            live=live,
            failed=_first_failure(sms_log.broken, smtp_log.broken, voice_log.broken, work, ringing),
        )


def _first_failure(*watched: asyncio.Future[None]) -> asyncio.Future[None]:
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def pass_on(done: asyncio.Future[None]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None and not failed.done():
            logger.error("The simulator stops: %s", error)
            failed.set_exception(error)

    for future in watched:
        future.add_done_callback(pass_on)
    return failed


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _open_sms(exchange: Exchange, telephone: Telephone, mail: MailSink, book: Phonebook, stack: AsyncExitStack) -> str:
    config, ending = exchange.config, asyncio.Event()
    voice = TelephoneControl(telephone)
    page = PhonesPage(exchange, book, wordings(config.wordings), ending)
    app = web.Application(client_max_size=64 * 1024)
    app.add_routes(
        [
            *Control(exchange, mail).routes(),
            *voice.routes(),
            *CallsPage(telephone, book, ending).routes(),
            *page.routes(),
            *RestApi(exchange, telephone, ending).routes(),
        ]
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.SockSite(runner, _listen(config.host, config.sms_port), backlog=1024)
    await site.start()
    stack.callback(ending.set)
    if config.crowd is not None:
        voice.begin(config.crowd)
    port = runner.addresses[0][1]
    return f"http://[{config.host}]:{port}" if ":" in config.host else f"http://{config.host}:{port}"


async def _open_smtp(config: SimulatorConfig, mail: MailSink, stack: AsyncExitStack) -> int:
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd logs addresses
    loop = asyncio.get_running_loop()
    tls: ssl.SSLContext | None = None
    if config.mail.starttls:
        tls = await asyncio.to_thread(server_context, config.host, config.log / "smtp-certificate.pem")
    if config.mail.keep is not None:
        config.mail.keep.mkdir(parents=True, exist_ok=True)
    connections: set[SMTP] = set()

    def connection() -> SMTP:
        return _Connection(
            connections,
            mail,
            hostname="simulator.example.gov",
            ident="Tocsin simulator",
            enable_SMTPUTF8=True,
            tls_context=tls,
            require_starttls=config.mail.require_starttls,
            authenticator=mail.authenticate,
            auth_require_tls=config.mail.starttls,
            loop=loop,
        )

    server = await loop.create_server(connection, sock=_listen(config.host, config.smtp_port), backlog=1024)

    async def close() -> None:
        server.close()
        for each in list(connections):
            drop(each)
        await asyncio.sleep(0)

    stack.push_async_callback(close)
    return int(server.sockets[0].getsockname()[1])


class _Connection(SMTP):
    """Keeps itself in a set for as long as it is open."""

    def __init__(self, connections: set[SMTP], handler: MailSink, **options: Any) -> None:
        self._connections = connections
        super().__init__(handler, **options)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        super().connection_lost(error)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)

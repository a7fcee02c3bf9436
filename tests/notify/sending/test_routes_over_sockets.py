"""Routes that die in the middle of a send, over real sockets and judged by what the providers themselves have written down."""

import csv
import math
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import text

from channels import several
from channels.base import Outbound
from channels.email import SmtpEmail
from channels.gateway.sms import GatewaySms
from channels.simulator import MailFaults, running
from channels.sms import TwilioSms
from channels.twilio_http import TwilioGateway
from notify.clock import SystemClock
from notify.db import Database
from notify.sending import dispatch, ledger_check, recorder, routing, trial
from notify.sending.dispatch import Dispatcher
from notify.sending.leases import Leased
from notify.sending.route import Routes
from notify.sending.routing import Standing
from notify.web.callbacks import Callbacks
from tests.channels import mail_factories
from tests.channels.gateway_simulator import KEY, SECRET, Harbor, described, harbor, signed
from tests.channels.mail_factories import a_relay
from tests.channels.simulator_factories import SENDER, Gateway, a_config, gateway
from tests.channels.sms_factories import an_account
from tests.notify.sending_factory import Bench, PlainOutbox, Running
from tests.own_time import OwnTime

PEOPLE = 60
PUBLIC = "https://alerts.example.gov"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "IDLE_S", 0.02)
    monkeypatch.setattr(dispatch, "REOPEN_S", 0.1)
    monkeypatch.setattr(recorder, "AGAIN_S", 0.02)
    monkeypatch.setattr(trial, "WATCH_S", 0.05)
    monkeypatch.setattr(trial, "PROBE_S", 0.3)
    monkeypatch.setattr(routing, "PROBE_S", 0.2)


@dataclass(slots=True)
class Two:
    """The first route goes to the simulated Twilio, the second to a gateway that a file describes."""

    bench: Bench
    carrier: Gateway
    harbor: Harbor
    channels: tuple[TwilioSms, GatewaySms]
    routes: Routes
    folder: Path

    def dispatchers(self) -> list[Dispatcher]:
        made = []
        for name, channel in zip(("twilio", "harbor"), self.channels, strict=True):
            plain: Any = channel
            one = self.bench.dispatcher(plain, name, route=name, rate=80.0, concurrency=20, window=60)
            made.append(Dispatcher(one.sender, one.desk, name, self.routes.route(name)))
        self.routes.standings["twilio"] = Standing(patience_s=0.5)
        return made

    def verdict(self) -> ledger_check.Verdict:
        return judged(self.bench, self.folder, [self.folder / "log", self.folder / "harbor"])


def judged(bench: Bench, folder: Path, logs: Sequence[Path]) -> ledger_check.Verdict:
    """What the judge says of the ledger and of both providers' logs."""
    columns = "delivery_id, event_id, channel, language, state, provider_id, ambiguous, word"
    with (folder / "dump.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*columns.split(", "), "address"])
        for row in bench.rows(columns):
            ambiguous = "true" if row.ambiguous else "false"
            texted, mailed = f"+1503555{row.delivery_id % 10_000:04}", f"resident{row.delivery_id}@example.gov"
            address = texted if row.channel == "sms" else mailed
            writer.writerow([*row[:5], row.provider_id or "", ambiguous, row.word, address])
    return ledger_check.check(folder / "dump.csv", logs)


@pytest.fixture
async def two(request: pytest.FixtureRequest, store: Database, tmp_path: Path) -> AsyncIterator[Two]:
    config = a_config(tmp_path)
    is_hung = getattr(request.node, "callspec", None) is not None and request.node.callspec.params.get("fault") is hangs
    patience_s = 1.0 if is_hung else 60.0  # whom nobody lets wait is given up by a machine that stands still alone
    async with AsyncExitStack() as stack:
        carrier = await stack.enter_async_context(gateway(config))
        far = await stack.enter_async_context(harbor(tmp_path / "harbor"))
        account = an_account(
            carrier.url,
            account_sid=config.account_sid,
            auth_token=config.auth_token,
            public_url=PUBLIC,
            total_timeout_s=patience_s,
        )
        known = described(url=far.url, timeout_s=60)
        twilio = TwilioSms(TwilioGateway(account), SENDER)
        other = GatewaySms(known, known.numbers[0], SECRET, KEY, PUBLIC)
        for channel in (twilio, other):
            await channel.open()
            stack.push_async_callback(channel.close)
        yield Two(Bench(store, SystemClock()), carrier, far, (twilio, other), Routes("sms"), tmp_path)


async def hangs(two: Two) -> None:
    await two.carrier.control(sms={"hang_before": 1.0, "hang_s": 30})


async def fails(two: Two) -> None:
    await two.carrier.control(sms={"refuse_all": True})


async def fails_after_accepting(two: Two) -> None:
    await two.carrier.control(sms={"error_after": 1.0})


async def cuts(two: Two) -> None:
    await two.carrier.control(sms={"cut_after": 1.0})


async def throttles(two: Two) -> None:
    await two.carrier.control(sms={"too_many": 1.0, "retry_after_s": 60})


async def forgets_us(two: Two) -> None:
    """Every call from now on bears a token that is not ours."""
    far = two.channels[0]._gateway
    far._head = far._head.replace(b"Authorization: Basic ", b"Authorization: Basic x")


@pytest.mark.parametrize(
    "fault", [hangs, fails, fails_after_accepting, cuts, throttles, forgets_us], ids=lambda one: one.__name__
)
async def test_everything_leaves_through_the_other_and_nobody_twice(two: Two, fault: Callable[[Two], Awaitable[None]]) -> None:
    two.bench.event(PEOPLE)
    async with Running(*two.dispatchers()):
        await two.bench.until(lambda counts: counts["handed"] >= 8)
        await fault(two)
        async with OwnTime() as had:
            await two.bench.until(lambda counts: counts["planned"] == 0)
        assert had.s < 10
        counts = await two.bench.until(lambda counts: counts["planned"] + counts["claimed"] == 0)
    verdict = two.verdict()
    assert verdict.sound, verdict.problems[:3]
    assert (verdict.lost, verdict.doubles) == (0, 0)
    assert counts["handed"] + counts["unknown"] == PEOPLE
    assert counts["unknown"] <= 40 and two.harbor.taken
    if fault in (throttles, forgets_us):
        assert counts["unknown"] == 0, "a no is a no: nothing is in doubt"


async def test_reports_of_both_providers_reach_the_ledger_by_one_address(two: Two) -> None:
    two.bench.event(4)
    readers = several.by_name(two.channels)
    callbacks = Callbacks(two.bench.db, two.bench.clock, readers, PUBLIC, b"b" * 32)
    app = web.Application()
    app.add_routes(callbacks.routes())
    (_, only) = two.dispatchers()
    async with Running(only), TestServer(app) as server, aiohttp.ClientSession() as session:
        await two.bench.until(lambda counts: counts == {"handed": 4})
        states = ["DELIVERED", "DELIVERED", "FAILED", "BUFFERED"]
        for taken, state in zip(two.harbor.taken, states, strict=True):
            body, headers = signed({"reference": taken["ref"], "id": taken["sid"], "state": state, "reason": "landline"})
            async with session.post(server.make_url("/reports/sms"), data=body, headers=headers) as answer:
                assert answer.status == 204
            async with session.post(server.make_url("/reports/sms"), data=body) as answer:
                assert answer.status == 403
    assert two.bench.counts() == {"delivered": 2, "undelivered": 1, "handed": 1}
    assert {row.route for row in two.bench.rows("route")} == {"harbor"}


@asynccontextmanager
async def two_relays(folder: Path, wrong: MailFaults) -> AsyncIterator[tuple[list[SmtpEmail], list[Path]]]:
    """Relays with a log each; the first has faults."""
    async with AsyncExitStack() as stack:
        channels, logs = [], []
        for name, faults in (("first", wrong), ("second", MailFaults())):
            config = a_config(folder / name, mail_faults=faults)
            relay = await stack.enter_async_context(running(config))
            channels.append(SmtpEmail(a_relay(host="127.0.0.1", port=relay.smtp_port, connections=3)))
            await channels[-1].open()
            stack.push_async_callback(channels[-1].close)
            logs.append(config.log)
        yield channels, logs


def a_mail(leased: Leased) -> Outbound:
    return replace(mail_factories.an_outbound(leased.delivery_id), event_id=leased.event_id)


@pytest.mark.parametrize(
    "wrong", [MailFaults(slow_s=2.0), MailFaults(busy=1.0), MailFaults(cut_before=1.0), MailFaults(cut_after=1.0)]
)
async def test_a_relay_that_dies_leaves_its_mails_to_the_other(store: Database, tmp_path: Path, wrong: MailFaults) -> None:
    bench = Bench(store, SystemClock(), outbox=PlainOutbox(a_mail))
    bench.event(PEOPLE, priority=3)
    store.write_now(lambda conn: conn.execute(text("UPDATE delivery SET channel = 'email'")))
    async with two_relays(tmp_path, wrong) as (channels, logs):
        routes, dispatchers = Routes("email"), []
        for name, channel in zip(("relay", "relay2"), channels, strict=True):
            plain: Any = channel
            one = bench.dispatcher(plain, name, route=name, rate=math.inf, concurrency=25, window=30)
            dispatchers.append(Dispatcher(one.sender, one.desk, name, routes.route(name)))
        routes.standings["relay"] = Standing(patience_s=0.4)
        async with Running(*dispatchers), OwnTime() as had:
            counts = await bench.until(lambda counts: counts["planned"] + counts["claimed"] == 0)
        assert had.s < 10
        verdict = judged(bench, tmp_path, logs)
        by = Counter(row.route for row in bench.rows("route, state") if row.state == "handed")
    assert verdict.sound, verdict.problems[:3]
    assert (verdict.lost, verdict.doubles) == (0, 0)
    assert counts["handed"] + counts["unknown"] == PEOPLE and by["relay2"] > PEOPLE / 2
    assert counts["unknown"] <= (30 if wrong.cut_before or wrong.cut_after else 0)

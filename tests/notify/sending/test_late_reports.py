"""Two carriers, one of which delays its reports, and a gateway that sends none, over real sockets: who loses share, when."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from channels import several
from channels.gateway.sms import GatewaySms
from channels.simulator import SimulatedSender
from channels.sms import TwilioSms
from channels.twilio_http import TwilioGateway
from notify.clock import ManualClock
from notify.db import Database
from notify.sending import dispatch, lateness, recorder
from notify.sending.dispatch import Dispatcher
from notify.sending.punctuality import Punctuality
from notify.sending.route import Routes
from notify.web.callbacks import Callbacks
from tests.channels.gateway_simulator import KEY, SECRET, described, harbor
from tests.channels.simulator_factories import Gateway, a_config, gateway
from tests.channels.sms_factories import an_account
from tests.notify.sending_factory import Bench, Running

NUMBERS: Final = {"quick": "+15035559001", "slow": "+15035559002"}
HOUR_S: Final = 3600.0
EACH: Final = 120


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred texts are to be enough, and loops are not to wait."""
    monkeypatch.setattr(lateness, "ENOUGH", 5)
    monkeypatch.setattr(dispatch, "IDLE_S", 0.02)
    monkeypatch.setattr(recorder, "AGAIN_S", 0.02)


@dataclass(slots=True)
class City:
    bench: Bench
    clock: ManualClock
    carriers: dict[str, Gateway]
    channels: dict[str, Any]
    routes: Routes
    events: int = 0
    reported: int = 0

    async def text(self, name: str, *, reported: bool) -> None:
        """An alert that leaves by this route alone; where reports are sent, they are all there at the end."""
        self.events += 1
        event = f"E{self.events}-1"
        self.bench.event(EACH, event_id=event, alert_id=event, incident_id=event[:-2], identifier=event)
        one = self.bench.dispatcher(self.channels[name], f"{name} {self.events}", route=name)
        left = self.bench.counts()["planned"]
        assert left == EACH
        async with Running(Dispatcher(one.sender, one.desk, one.sender.name, self.routes.route(name))):
            await self.bench.until(lambda counts: counts["planned"] + counts["claimed"] == 0)
            self.reported += EACH * reported
            await self.bench.until(lambda counts: counts["delivered"] == self.reported)

    async def text_all(self, **delayed: float) -> None:
        """The same by every route. delayed: the seconds by which a carrier's reports are late, by its name."""
        for name in self.channels:
            if name in self.carriers:
                await self.carriers[name].control(sms={"reports_delay_s": delayed.get(name, 0.0)})
            await self.text(name, reported=name in self.carriers and not delayed.get(name))

    async def watch(self, minutes: int) -> list[tuple[int, ...]]:
        """What becomes of the shares meanwhile, minute by minute: of quick, slow and silent."""
        found = []
        for _ in range(minutes):
            self.clock.forward(timedelta(minutes=1))
            await Punctuality(self.bench.db, self.clock, list(self.routes.members.values())).tick()
            self.routes.look(self.clock.monotonic())
            found.append(tuple(self.routes.standings[name].share for name in self.channels))
        return found


@pytest.fixture
async def city(store: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[City]:
    async with AsyncExitStack() as stack:
        callbacks: list[Callbacks] = []  # made when the channels are, which must know its address

        async def take(request: web.Request) -> web.Response:
            return await callbacks[0].report(request)

        app = web.Application()
        app.router.add_post("/reports/{channel}/{delivery_id}", take)
        server = await stack.enter_async_context(TestServer(app))
        public = str(server.make_url("")).rstrip("/")
        carriers, channels = {}, dict[str, Any]()
        for digit, (name, number) in enumerate(NUMBERS.items(), 6):
            config = a_config(tmp_path / name, account_sid="AC" + str(digit) * 32, auth_token=f"token-{name}")
            config = replace(config, senders=(SimulatedSender(number=number, rate=1000.0),))
            carriers[name] = await stack.enter_async_context(gateway(config))
            account = an_account(
                carriers[name].url,
                account_sid=config.account_sid,
                auth_token=config.auth_token,
                public_url=public,
                total_timeout_s=60.0,
            )
            channels[name] = TwilioSms(TwilioGateway(account), number)
        far = await stack.enter_async_context(harbor(tmp_path / "harbor"))
        silent = described(url=far.url, timeout_s=60)
        channels["silent"] = GatewaySms(silent, silent.numbers[0], SECRET, KEY, public)
        for channel in channels.values():
            await channel.open()
            stack.push_async_callback(channel.close)
        routes = Routes("sms")
        for name in channels:
            routes.route(name)
        bench = Bench(store, clock)
        callbacks.append(Callbacks(store, clock, several.by_name(list(channels.values())), public, b"b" * 32))
        yield City(bench, clock, carriers, channels, routes)


async def test_a_carrier_that_delays_its_reports_loses_share_in_steps_and_gets_it_back(city: City) -> None:
    await city.text_all()
    assert await city.watch(6) == [(10, 10, 10)] * 6, "all is in order; the gateway without reports included"

    await city.text_all(slow=HOUR_S)
    assert await city.watch(4) == [(10, 10, 10)] * 4, "no report could be expected yet"
    assert await city.watch(11) == [(10, 8, 10)] * 5 + [(10, 6, 10)] * 5 + [(10, 4, 10)]
    slow = city.routes.members["slow"]
    assert slow.share == 0.4 and slow.stands.why == "reports come late"

    await city.text_all()
    assert await city.watch(10) == [(10, 6, 10), (10, 8, 10)] + [(10, 10, 10)] * 8, "late texts are a quarter of an hour old"
    assert slow.share == 1.0 and slow.stands.why == ""


async def test_where_both_carriers_delay_their_reports_nothing_moves(city: City) -> None:
    await city.text_all()
    await city.watch(6)
    await city.text_all(slow=HOUR_S, quick=HOUR_S)
    assert await city.watch(20) == [(10, 10, 10)] * 20

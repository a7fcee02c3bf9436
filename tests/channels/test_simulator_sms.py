"""The simulated text gateway over real sockets: what it accepts, refuses, lists and cancels. Twilio's own client judges."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from channels.simulator import SimulatedSender
from channels.simulator.handsets import ENDINGS, Handsets
from tests.channels.simulator_factories import (
    PHONE,
    SENDER,
    Gateway,
    a_config,
    authorization,
    events,
    gateway,
    lines,
)

_T = TypeVar("_T")
SLOW = (SimulatedSender(number=SENDER, rate=0.001),)  # the first text leaves, the others stay queued


async def by_twilio(gate: Gateway, act: Callable[[Client], _T]) -> _T:
    """Does something with Twilio's own client, against the simulator."""

    class Rewriting(TwilioHttpClient):  # type: ignore[misc]
        def request(self, method: str, url: str, *more: Any, **named: Any) -> Any:
            return super().request(method, url.replace("https://api.twilio.com", gate.url), *more, **named)

    config = gate.simulator.exchange.config
    http = Rewriting(pool_connections=False)
    return await asyncio.to_thread(lambda: act(Client(config.account_sid, config.auth_token, http_client=http)))


async def test_twilios_client_sends_reads_lists_and_cancels(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, senders=SLOW)) as gate:
        first = await by_twilio(gate, lambda c: c.messages.create(to=PHONE, from_=SENDER, body="Boil tap water."))
        await by_twilio(gate, lambda c: c.messages.create(to="+15035550124", from_=SENDER, body="Boil tap water."))
        third = await by_twilio(gate, lambda c: c.messages.create(to=PHONE, from_=SENDER, body="Boil. " * 40))
        assert (third.status, third.num_segments, third.direction) == ("queued", "2", "outbound-api")
        read = await by_twilio(gate, lambda c: c.messages(third.sid).fetch())
        assert (read.body, read.to, read.from_) == ("Boil. " * 40, PHONE, SENDER)
        listed = await by_twilio(gate, lambda c: c.messages.list(to=PHONE, page_size=1))
        assert [message.sid for message in listed] == [third.sid, first.sid]
        canceled = await by_twilio(gate, lambda c: c.messages(third.sid).update(status="canceled"))
        assert canceled.status == "canceled"
        with pytest.raises(TwilioRestException) as caught:
            await by_twilio(gate, lambda c: c.messages(third.sid).update(status="canceled"))
        assert (caught.value.code, caught.value.status) == (30409, 409)
        assert (await by_twilio(gate, lambda c: c.api.v2010.accounts(c.account_sid).fetch())).status == "active"


async def test_an_accepted_text_is_described_as_twilio_does(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as gate:
        message = await gate.created(Body="Hãy đun sôi nước")
        sid = message["sid"]
        assert re.fullmatch(r"SM[0-9a-f]{32}", sid)
        assert message["uri"] == f"{gate.base}/Messages/{sid}.json"
        assert message["subresource_uris"] == {"media": f"{gate.base}/Messages/{sid}/Media.json"}
        assert (message["status"], message["num_segments"], message["num_media"]) == ("queued", "1", "0")
        assert (message["error_code"], message["date_sent"], message["price"]) == (None, None, None)
        assert parsedate_to_datetime(message["date_created"]).utcoffset() is not None
        await gate.settled()
        later = await gate.fetch(sid)
        assert later["status"] == "delivered"
        assert parsedate_to_datetime(later["date_sent"]) >= parsedate_to_datetime(message["date_created"])
        assert later.keys() == message.keys()


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"To": "absent"}, 400, 21604),
        ({"To": "nobody"}, 400, 21211),
        ({"To": "+15039980123"}, 403, 21408),
        ({"From": "absent"}, 400, 21603),
        ({"From": "nobody"}, 400, 21212),
        ({"From": "+15035550199"}, 400, 21606),
        ({"Body": "absent"}, 400, 21602),
        ({"Body": "a" * 1601}, 400, 21617),
        ({"ValidityPeriod": "36001"}, 400, 21624),
        ({"StatusCallback": "http://alerts.example.gov/"}, 400, 21609),
    ],
)
async def test_a_bad_create_is_refused_and_logged(tmp_path: Path, form: dict[str, str], status: int, code: int) -> None:
    async with gateway(a_config(tmp_path)) as gate:
        assert_refused(await gate.create(**form), status, code)
    (line,) = lines(tmp_path)
    assert (line["event"], line["code"], line["sid"], line["cause"]) == ("refused", code, "", "")


def assert_refused(answer: tuple[int, dict[str, Any]], status: int, code: int) -> None:
    told, document = answer
    assert (told, document["status"], document["code"]) == (status, status, code)
    assert document["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert document["message"]


async def test_wrong_logins_accounts_and_paths_are_refused(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as gate:
        other = f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
        wrong = authorization(gate.simulator.exchange.config.account_sid, "wrong")
        assert_refused(await gate.request("GET", f"{gate.base}/Messages.json", headers=wrong), 401, 20003)
        assert_refused(await gate.request("GET", f"{gate.base}.json", headers={"Authorization": ""}), 401, 20003)
        assert_refused(await gate.request("GET", other), 404, 20404)
        assert_refused(await gate.request("GET", f"{gate.base}/Messages/SM{'0' * 32}.json"), 404, 20404)
        assert_refused(await gate.request("POST", f"{gate.base}/Messages/SM{'0' * 32}.json"), 404, 20404)
        assert_refused(await gate.request("GET", f"{gate.base}/Queues.json"), 404, 20404)
        assert_refused(await gate.request("GET", f"{gate.base}/Messages.json?PageSize=1001"), 400, 20007)
    assert lines(tmp_path) == []


async def test_pages_lead_on_as_twilios_do(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as gate:
        sids = [(await gate.created())["sid"] for _ in range(5)]
        await gate.created(To="+15035550124")
        path, seen = f"{gate.base}/Messages.json?To=%2B15035550123&PageSize=2", []
        while path:
            status, page = await gate.request("GET", path)
            assert (status, page["page_size"]) == (200, 2)
            assert page["start"] == 2 * page["page"]
            seen += [message["sid"] for message in page["messages"]]
            path = page["next_page_uri"]
        assert seen == sids[::-1]
        assert page["first_page_uri"] == f"{gate.base}/Messages.json?To=%2B15035550123&PageSize=2&Page=0"


async def test_a_day_filter_finds_only_texts_that_were_sent(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, senders=SLOW)) as gate:
        sent = await gate.created()
        await gate.created()
        await reached(gate, sent["sid"], "delivered")
        day = parsedate_to_datetime((await gate.fetch(sent["sid"]))["date_sent"]).date().isoformat()
        _, page = await gate.request("GET", f"{gate.base}/Messages.json", params={"DateSent": day})
        assert [message["sid"] for message in page["messages"]] == [sent["sid"]]
        _, page = await gate.request("GET", f"{gate.base}/Messages.json", params={"DateSent<": "2014-05-23"})
        assert page["messages"] == []


async def reached(gate: Gateway, sid: str, status: str) -> None:
    message = gate.simulator.exchange.carrier.archive.get(sid)
    assert message is not None
    async with asyncio.timeout(60):
        while message.status != status:
            await asyncio.sleep(0)


async def test_only_a_queued_text_can_be_canceled_and_nothing_else_changed(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, senders=SLOW)) as gate:
        gone, queued = await gate.created(), await gate.created()
        await reached(gate, gone["sid"], "delivered")
        path = f"{gate.base}/Messages/{{}}.json"
        assert_refused(await gate.request("POST", path.format(gone["sid"]), data={"Status": "canceled"}), 409, 30409)
        assert_refused(await gate.request("POST", path.format(queued["sid"]), data={"Body": ""}), 400, 30400)
        status, message = await gate.request("POST", path.format(queued["sid"]), data={"Status": "canceled"})
        assert (status, message["status"]) == (200, "canceled")
    assert events(tmp_path, "report") == [("report", "sent"), ("report", "delivered"), ("report", "canceled")]


async def test_a_full_queue_is_refused(tmp_path: Path) -> None:
    sender = SimulatedSender(number=SENDER, rate=2 / 36_000)  # holds two segments
    async with gateway(a_config(tmp_path, senders=(sender,))) as gate:
        first = await gate.created()
        await reached(gate, first["sid"], "delivered")
        await gate.created(Body="Boil. " * 40)
        assert_refused(await gate.create(), 429, 21611)


async def test_a_text_not_sent_within_its_validity_fails(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, senders=SLOW)) as gate:
        await gate.created()
        late = await gate.created(ValidityPeriod="1")
        await gate.settled()
        message = await gate.fetch(late["sid"])
        assert (message["status"], message["error_code"]) == ("failed", 30036)
        assert message["error_message"]


async def test_each_way_not_to_arrive_has_its_code(tmp_path: Path) -> None:
    listed = {f"+1503555020{n}": name for n, name in enumerate(ENDINGS)}
    async with gateway(a_config(tmp_path, handsets=Handsets(delivered_after_s=0.0, listed=listed))) as gate:
        sids = {name: (await gate.created(To=number))["sid"] for number, name in listed.items()}
        await gate.settled()
        for name, sid in sids.items():
            message = await gate.fetch(sid)
            assert (message["status"], message["error_code"]) == ("undelivered", ENDINGS[name])


async def test_stop_holds_for_this_sender_until_start(tmp_path: Path) -> None:
    other = SimulatedSender(number="+15035550101", rate=1000.0)
    config = a_config(tmp_path)
    async with gateway(replace(config, senders=(*config.senders, other))) as gate:
        (answer,) = await gate.text("stop")
        assert "START" in answer
        assert_refused(await gate.create(), 400, 21610)
        await gate.created(From="+15035550101")
        await gate.created(To="+15035550124")
        await gate.text("STOP, please")  # free text changes nothing
        assert len(await gate.text("START")) == 1
        await gate.created()
        (answer,) = await gate.text("HELP")
        assert "STOP" in answer
    told = events(tmp_path, "inbound", "refused", "reply", "accepted")
    assert told[:3] == [("inbound", "received"), ("reply", "queued"), ("refused", 21610)]
    assert [line["cause"] for line in lines(tmp_path) if line["event"] == "reply"] == ["carrier"] * 3


async def test_the_rate_of_a_sender_is_kept(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, senders=(SimulatedSender(number=SENDER, rate=50.0),))) as gate:
        sids = [(await gate.created(Body="Boil. " * 40))["sid"] for _ in range(5)]
        await gate.settled()
        archive = gate.simulator.exchange.carrier.archive
        times = [message.sent_at for sid in sids if (message := archive.get(sid)) is not None]
        for earlier, later in pairwise(times):
            assert earlier is not None and later is not None
            assert later - earlier >= 2 / 50 - 1e-6

"""The simulator's faults and controls over real sockets: what the client sees, and what the log says truly happened."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from channels.simulator import SimulatedSender, SmsFaults
from tests.channels.simulator_factories import PHONE, SENDER, a_config, events, gateway, lines

GOOD = {"To": PHONE, "From": SENDER, "Body": "Boil tap water."}
JSON = {"Content-Type": "application/json"}


async def test_the_next_creates_get_429_with_retry_after(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as gate:
        await gate.control(sms={"too_many_next": 2, "retry_after_s": 7})
        form = {"To": PHONE, "From": SENDER, "Body": "Boil tap water."}
        async with aiohttp.ClientSession(headers=gate.headers) as session:
            for _ in range(2):
                async with session.post(f"{gate.url}{gate.base}/Messages.json", data=form) as reply:
                    assert (reply.status, reply.headers["Retry-After"]) == (429, "7")
                    assert (await reply.json())["code"] == 20429
        await gate.created()
    assert [(line["event"], line["code"], line["cause"]) for line in lines(tmp_path)[:3]] == [
        ("refused", 20429, "too_many_next"),
        ("refused", 20429, "too_many_next"),
        ("accepted", None, ""),
    ]


async def test_a_share_of_creates_gets_429(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, sms_faults=SmsFaults(too_many=0.5))) as gate:
        statuses = [(await gate.create())[0] for _ in range(40)]
        assert 8 <= statuses.count(429) <= 32
        assert statuses.count(429) + statuses.count(201) == 40


async def test_an_error_after_accepting_hides_a_text_that_exists(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as gate:
        await gate.control(sms={"error_after": 1.0})
        assert (await gate.create())[0] == 500
        _, page = await gate.request("GET", f"{gate.base}/Messages.json?To=%2B15035550123")
        assert len(page["messages"]) == 1
    assert (lines(tmp_path)[0]["event"], lines(tmp_path)[0]["cause"]) == ("accepted", "error_after")


@pytest.mark.parametrize(
    ("faults", "event", "cause"),
    [
        ({"cut_before": 1.0}, "dropped", "cut_before"),
        ({"cut_after": 1.0}, "accepted", "cut_after"),
        ({"hang_before": 1.0, "hang_s": 0.01}, "dropped", "hang_before"),
        ({"hang_after": 1.0, "hang_s": 0.01}, "accepted", "hang_after"),
    ],
)
async def test_a_broken_connection_tells_nothing_but_the_log_knows(
    tmp_path: Path, faults: dict[str, Any], event: str, cause: str
) -> None:
    async with gateway(a_config(tmp_path)) as gate:
        await gate.control(sms=faults)
        with pytest.raises(aiohttp.ClientConnectionError):
            await gate.create()
        await gate.control(sms=None)
        _, page = await gate.request("GET", f"{gate.base}/Messages.json")
        assert len(page["messages"]) == (event == "accepted")
        await gate.created()
    first = lines(tmp_path)[0]
    assert (first["event"], first["to"], first["cause"]) == (event, PHONE, cause)
    assert bool(first["sid"]) == (event == "accepted")


async def test_a_hanging_request_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, sms_faults=SmsFaults(hang_after=1.0, hang_s=3600.0))) as gate:
        timeout = aiohttp.ClientTimeout(total=0.05)
        with pytest.raises(TimeoutError):
            await gate.request("POST", f"{gate.base}/Messages.json", timeout=timeout, data=GOOD)


async def test_a_refusal_of_everything_is_a_503_and_nothing_is_accepted(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as gate:
        await gate.control(sms={"refuse_all": True})
        assert (await gate.create())[0] == 503
        assert (await gate.request("GET", f"{gate.base}/Messages.json"))[0] == 503
        await gate.control(sms={"refuse_all": False})
        await gate.created()
    assert events(tmp_path, "refused", "accepted") == [("refused", 20503), ("accepted", "queued")]


async def test_a_slow_answer_comes_after_the_text_was_accepted(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, sms_faults=SmsFaults(slow_s=3600.0))) as gate:
        waiting = asyncio.create_task(gate.create())
        async with asyncio.timeout(60):
            while not events(tmp_path, "accepted"):
                await asyncio.sleep(0)
        state = await gate.settled()
        assert state["sms"] == {"accepted": 1} and not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_the_controls_count_what_happened(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as gate:
        await gate.created()
        await gate.create(Body="absent")
        await gate.text("STOP")
        state = await gate.settled()
        assert state["sms"] == {"accepted": 1, "refused": 1, "refused 21602": 1, "inbound": 1, "reply": 1}
        assert state["statuses"] == {"sent": 2, "delivered": 2}
        assert (state["waiting_segments"], state["opted_out"], state["settled"]) == (0, 1, True)


async def test_unfit_wishes_change_nothing_and_every_reason_is_told(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as gate:
        wish = {"sms": {"refuse_all": True}, "mail": {"busy": 2}, "voice": {}}
        status, answer = await gate.request("POST", "/control", json=wish)
        assert (status, len(answer["problems"])) == (400, 2)
        wish = {"from": "+15039980123", "to": "+15035550199", "body": None}
        status, answer = await gate.request("POST", "/control/inbound", json=wish)
        assert (status, len(answer["problems"])) == (400, 3)
        assert gate.simulator.live.sms == SmsFaults()
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{gate.url}/control", data=b'{"sms": null}') as reply:
                assert reply.status == 415
            async with session.post(f"{gate.url}/control", data=b"[", headers=JSON) as reply:
                assert reply.status == 400
            async with session.post(f"{gate.url}/control", data=b"[]", headers=JSON) as reply:
                assert reply.status == 400


async def test_what_never_settles_is_told_after_the_time_limit(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, senders=(SimulatedSender(number=SENDER, rate=0.001),))) as gate:
        await gate.created()
        await gate.created()
        status, state = await gate.request("GET", "/control/settled?timeout_s=0.05")
        assert (status, state["settled"]) == (504, False)

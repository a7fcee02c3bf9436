"""The page with the phones over real sockets: its files, its stream, and what its buttons do."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from channels.simulator import Handsets
from channels.simulator.phones_page import PAGE
from tests.channels.simulator_factories import PATIENCE_S, PHONE, SENDER, Gateway, a_config, authorization, gateway

ROW = ({"number": PHONE, "language": "es", "place": "97206"}, {"number": "+15035550124", "line": "drop"})


class Stream:
    """A page that listens: `told` takes events in until one fits."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self._reply = reply
        self.last = ""
        self.lines: list[dict[str, Any]] = []
        self.states: list[dict[str, Any]] = []

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """The first line of the log from now on with these values."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                kind, data = await self.event()
                if kind == "line" and wanted.items() <= data.items():
                    return data

    async def event(self) -> tuple[str, dict[str, Any]]:
        fields: dict[str, str] = {}
        while True:
            line = (await self._reply.content.readline()).decode().rstrip("\n")
            if not line and "data" in fields:
                break
            name, _, value = line.partition(": ")
            if name:
                fields[name] = value
        self.last = fields.get("id", self.last)
        data = json.loads(fields["data"])
        (self.lines if fields["event"] == "line" else self.states).append(data)
        return fields["event"], data


@asynccontextmanager
async def listening(one: Gateway, last: str = "") -> AsyncIterator[Stream]:
    headers = {"Last-Event-ID": last} if last else {}
    async with aiohttp.ClientSession() as session, session.get(f"{one.url}/phones/events", headers=headers) as reply:
        assert reply.status == 200, await reply.text()
        yield Stream(reply)


async def test_the_page_has_no_word_of_script_or_style_in_it_and_may_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as one, aiohttp.ClientSession() as session:
        scripts = [(f"/{name}.js", "text/javascript") for name in ("phones", "texts")]
        for path, kind in [("", "text/html"), ("/phones.css", "text/css"), *scripts]:
            async with session.get(f"{one.simulator.phones_url}{path}") as reply:
                policy = reply.headers["Content-Security-Policy"]
                assert (reply.status, reply.content_type) == (200, kind)
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                assert reply.headers["X-Content-Type-Options"] == "nosniff"
    html = (PAGE / "phones.html").read_text("utf-8")
    assert " style=" not in html
    assert "<style" not in html
    assert html.count("<script ") == 1
    for file in PAGE.glob("*.js"):
        assert "innerHTML" not in file.read_text("utf-8")


async def test_a_phone_sees_an_alert_arrive_and_another_one_does_not(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, phones=ROW)) as one, listening(one) as page:
        await one.created(Body="HIERVA EL AGUA: ñandú ő", To=PHONE)
        arrived = await page.until(event="accepted")
        assert (arrived["phone"], arrived["encoding"], arrived["parts"]) == (PHONE, "UCS-2", 1)
        assert arrived["views"]["gsm"] == ["HIERVA EL AGUA: ñandú □".replace("ú", "□")]
        await page.until(event="report", status="delivered", phone=PHONE)
        await one.created(To="+15035550124")
        lost = await page.until(event="report", status="undelivered")
        assert (lost["code"], lost["meaning"]) == (30003, "switched off or out of coverage")
        assert [phone["number"] for phone in page.states[0]["phones"]] == [PHONE, "+15035550124"]


async def test_others_texts_are_never_streamed(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, phones=ROW)) as one, listening(one) as page:
        await one.created(To="+15035550177", Body="For somebody else.")
        await one.created(To=PHONE)
        await page.until(event="report", status="delivered")
        assert {line["phone"] for line in page.lines} == {PHONE}


async def test_a_page_that_comes_back_gets_just_what_it_missed(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, phones=ROW)) as one:
        async with listening(one) as page:
            await one.created(Body="The first.")
            await page.until(event="report", status="delivered")
        await one.created(Body="The second.")
        await one.settled()
        async with listening(one, page.last) as again:
            await again.until(event="report", status="delivered")
            assert [line["body"] for line in again.lines if "body" in line] == ["The second."]
        async with listening(one, "another-log:1") as stranger:
            await stranger.until(event="report", status="delivered")
            assert stranger.lines[0]["body"] == "The first."


async def test_a_phone_added_later_brings_its_past_also_to_a_page_that_was_away(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as one:
        await one.created(Body="Before anybody looked.")
        await one.settled()
        async with listening(one) as page:
            await page.event()
            status, phone = await one.request("POST", "/phones", json={"number": PHONE, "language": "vi"})
            assert (status, phone["language"]) == (201, "vi")
            assert (await page.until(event="accepted"))["body"] == "Before anybody looked."
            await page.until(event="report", status="delivered")
        assert page.last == "" or not page.last.endswith(":0")


async def test_phones_and_their_texts_outlive_a_restart(tmp_path: Path) -> None:
    config = a_config(tmp_path, phones=ROW)
    async with gateway(config) as one:
        await one.created(Body="Before.")
        await one.settled()
        await one.request("PATCH", f"/phones/{PHONE}", json={"place": "Lents", "handset": "gsm"})
        status, _ = await one.request("POST", "/phones", json={})
        assert status == 201
    async with gateway(replace(config, phones=())) as one, listening(one) as page:
        assert (await page.until(event="accepted"))["body"] == "Before."
        phones = page.states[0]["phones"]
        assert (phones[0]["number"], phones[0]["place"], phones[0]["handset"]) == (PHONE, "Lents", "gsm")
        assert len(phones) == 3
    (tmp_path / "log" / "phones.json").write_text("nonsense")
    with pytest.raises(Exception, match=r"phones.*cannot be read"):
        async with gateway(config):
            pass


async def test_a_changed_line_changes_what_becomes_of_the_next_text(tmp_path: Path) -> None:
    far_end = Handsets(delivered_after_s=0.0, listed={PHONE: "filtered"})
    async with gateway(a_config(tmp_path, phones=ROW[:1], handsets=far_end)) as one:
        ends = []
        for line in ("good", "landline", "drop", "reassigned"):
            status, phone = await one.request("PATCH", f"/phones/{PHONE}", json={"line": line})
            assert (status, phone["line"]) == (200, line)
            sid = (await one.created())["sid"]
            await one.settled()
            ends.append((await one.fetch(sid))["error_code"])
        assert ends == [None, 30006, 30003, None]
        assert phone["owned_from"] > 0
        async with aiohttp.ClientSession() as session, session.delete(f"{one.url}/phones/{PHONE}") as reply:
            assert reply.status == 204
        sid = (await one.created())["sid"]
        await one.settled()
        assert (await one.fetch(sid))["error_code"] == 30007  # as the set-up has it


async def test_a_text_from_a_phone_goes_to_whoever_wrote_last_and_its_answer_comes_back(tmp_path: Path) -> None:
    heard = []

    async def answer(request: web.Request) -> web.Response:
        form = await request.post()
        heard.append((form["From"], form["To"], form["Body"]))
        return web.Response(text="<Response><Message>Portland Alerts: listo. Avisos para 97206.</Message></Response>")

    app = web.Application()
    app.router.add_post("/inbound", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/inbound"
    wordings = {"M02.es": "%(programme)s: listo. Avisos para %(place)s."}
    config = a_config(tmp_path, phones=ROW[:1], inbound_url=url, wordings=wordings)
    try:
        async with gateway(config) as one, listening(one) as page:
            status, told = await one.request("POST", f"/phones/{PHONE}/text", json={"body": "hola 97206"})
            assert (status, told["replies"]) == (200, ["Portland Alerts: listo. Avisos para 97206."])
            await page.until(event="report", status="delivered")
            async with aiohttp.ClientSession() as session, session.get(f"{one.url}/phones/{PHONE}/transcript") as reply:
                written = await reply.text()
                assert "Content-Security-Policy" in reply.headers
    finally:
        await runner.cleanup()
    assert heard == [(PHONE, SENDER, "hola 97206")]
    assert written == '- name: "Español, 97206"\n  steps:\n    - {in: hola 97206, out: [M02.es]}\n'


@pytest.mark.parametrize(
    ("method", "path", "wish", "said"),
    [
        ("POST", "/phones", {"number": "+15039980123"}, "exchange 555"),
        ("POST", "/phones", {"number": PHONE}, "already"),
        ("PATCH", f"/phones/{PHONE}", {"line": "wireless"}, "line must be one of"),
        ("PATCH", "/phones/+15035550199", {"line": "good"}, "no phone"),
        ("DELETE", "/phones/+15035550199", None, "no phone"),
        ("POST", "/phones/+15039980123/text", {"body": "hello"}, "no phone"),
        ("POST", f"/phones/{PHONE}/text", {"body": "  "}, "1 to 1600"),
        ("POST", f"/phones/{PHONE}/text", {"body": "a" * 1601}, "1 to 1600"),
        ("POST", f"/phones/{PHONE}/text", {}, "1 to 1600"),
        ("GET", "/phones/+15035550199/transcript", None, "no phone"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_sentences(
    tmp_path: Path, method: str, path: str, wish: dict[str, Any] | None, said: str
) -> None:
    async with gateway(a_config(tmp_path, phones=ROW)) as one:
        status, told = await one.request(method, path, **({} if wish is None else {"json": wish}))
        assert status == 400
        assert said in " ".join(told["problems"])


async def test_a_landline_writes_nothing(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, phones=({"number": PHONE, "line": "landline"},))) as one:
        status, told = await one.request("POST", f"/phones/{PHONE}/text", json={"body": "STOP"})
        assert (status, told["problems"]) == (400, ["A landline cannot write texts."])


async def test_neither_another_sites_form_nor_another_name_for_this_machine_is_answered(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, phones=ROW)) as one, aiohttp.ClientSession() as session:
        login = authorization("AC" + "5" * 32, "simulated-token")
        async with session.post(f"{one.url}/phones/{PHONE}/text", data=b'{"body":"STOP"}', headers=login) as reply:
            assert reply.status == 415
        for path in ("/phones", "/phones/events", f"/phones/{PHONE}/transcript"):
            async with session.get(one.url + path, headers={"Host": "elsewhere.example.gov"}) as reply:
                assert reply.status == 403


async def test_an_open_page_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async with gateway(a_config(tmp_path, phones=ROW)) as one:
            session = aiohttp.ClientSession()
            reply = await session.get(f"{one.url}/phones/events")
            await Stream(reply).event()
        assert await reply.content.read() == b""
        await session.close()

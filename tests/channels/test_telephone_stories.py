"""Whole calls over real sockets: Twilio's Calls resource, signed webhooks, TwiML from a small application."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator

from channels.simulator import Running, SimulatorConfig, running
from channels.simulator.telephone.config import TelephoneConfig, VoiceNumber
from channels.simulator.telephone.legs import Leg
from channels.simulator.telephone.speech import recorded_s, silence
from tests.channels.simulator_factories import Gateway, lines
from tests.channels.telephone_factories import AGENT, CALLER, CITY, Ear, twiml

PATIENCE_S = 60.0
Page = str | Callable[[Mapping[str, str]], str]


class LiveApp:
    """An application on loopback that answers TwiML by path and keeps the forms, each checked with Twilio's own validator."""

    def __init__(self, pages: Mapping[str, Page], token: str) -> None:
        self.pages, self.url, self.forms = dict(pages), "", list[tuple[str, dict[str, str]]]()
        self.unsigned: list[str] = []
        self.files: dict[str, bytes] = {}
        self.tokens: list[str] = []
        self.cuts = 0
        self.hang = asyncio.Event()
        self._validator = RequestValidator(token)
        self._came = asyncio.Condition()

    async def take(self, request: web.Request) -> web.Response:
        form = {str(name): str(value) for name, value in (await request.post()).items()}
        if not self._validator.validate(str(request.url), form, request.headers.get("X-Twilio-Signature", "")):
            self.unsigned.append(request.path)
        self.tokens.append(request.headers["I-Twilio-Idempotency-Token"])
        if self.cuts:
            self.cuts -= 1
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        async with self._came:
            self.forms.append((request.path, form))
            self._came.notify_all()
        page = self.pages.get(request.path, "")
        if page == "hang":
            await self.hang.wait()
        body = page(form) if callable(page) else page
        return web.Response(text=body, content_type="text/xml")

    async def look(self, request: web.Request) -> web.Response:
        """A document asked for with GET: the form is in the address, and signed with it."""
        if not self._validator.validate(str(request.url), {}, request.headers.get("X-Twilio-Signature", "")):
            self.unsigned.append(request.path)
        self.forms.append((request.path, dict(request.query)))
        return web.Response(text=str(self.pages[request.path]), content_type="text/xml")

    async def file(self, request: web.Request) -> web.Response:
        if request.path not in self.files:
            raise web.HTTPNotFound
        return web.Response(body=self.files[request.path], content_type="audio/wav")

    async def expect(self, path: str, count: int = 1) -> list[dict[str, str]]:
        def said() -> list[dict[str, str]]:
            return [form for asked, form in self.forms if asked == path]

        async with asyncio.timeout(PATIENCE_S), self._came:
            await self._came.wait_for(lambda: len(said()) >= count)
        return said()


@asynccontextmanager
async def city(
    folder: Path, pages: Mapping[str, Page], number: Mapping[str, str] | None = None, **changes: Any
) -> AsyncIterator[tuple[LiveApp, Running, Gateway]]:
    plain = SimulatorConfig(log=folder / "log")
    app = LiveApp(pages, plain.auth_token)
    site = web.Application()
    site.router.add_post("/{path:.*}", app.take)
    site.router.add_get("/look/{path:.*}", app.look)
    site.router.add_get("/{path:.*}", app.file)
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        app.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        there = VoiceNumber(number=CITY, url=f"{app.url}/ring", **dict(number or {}))
        settings: dict[str, Any] = {"numbers": (there,), "speed": 1_000.0, "calls_per_s": 100.0}
        telephone = TelephoneConfig(**(settings | changes))
        config = SimulatorConfig(log=folder / "log", telephone=telephone)
        async with running(config) as simulator, aiohttp.ClientSession() as session:
            yield app, simulator, Gateway(session, simulator)
    finally:
        app.hang.set()
        await runner.cleanup()


async def quiet(simulator: Running) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await simulator.telephone.until_quiet()
    await simulator.telephone.synced()


def ring(simulator: Running, party: Ear) -> str:
    simulator.telephone.touch()
    leg = simulator.telephone.board.call_in(CALLER, CITY, party)
    assert leg is not None
    return leg.call.sid


async def test_a_caller_hears_what_the_application_says_and_presses_a_key(tmp_path: Path) -> None:
    pages: dict[str, Page] = {
        "/ring": twiml('<Gather numDigits="1" action="/said"><Say>Press 1.</Say></Gather>'),
        "/said": lambda form: twiml(f"<Say>You pressed {form['Digits']}.</Say>"),
    }
    async with city(tmp_path, pages) as (app, simulator, gateway):
        caller = Ear(presses={"Press 1.": "1"})
        sid = ring(simulator, caller)
        await quiet(simulator)
        status, call = await gateway.request("GET", f"{gateway.base}/Calls/{sid}.json")
    assert caller.words == ["Press 1.", "You pressed 1."]
    assert (status, call["status"], call["direction"]) == (200, "completed", "inbound")
    assert app.unsigned == []
    voice = lines(tmp_path, "voice.jsonl")
    assert [line["seq"] for line in voice] == list(range(1, len(voice) + 1))
    assert [line["event"] for line in voice if line["event"] != "verb"] == [
        "ring",
        "webhook",
        "answer",
        "digit",
        "webhook",
        "end",
    ]


async def test_a_call_made_over_rest_is_told_of_in_order_and_listed(tmp_path: Path) -> None:
    async with city(tmp_path, {"/agent": twiml("<Say>A call for you.</Say>")}) as (app, simulator, gateway):
        agent = simulator.telephone.board.parties[AGENT] = Ear()
        form = [("To", AGENT), ("From", CITY), ("Url", f"{app.url}/agent"), ("StatusCallback", f"{app.url}/status")]
        form += [("StatusCallbackEvent", event) for event in ("initiated", "ringing", "answered", "completed")]
        status, call = await gateway.request("POST", f"{gateway.base}/Calls.json", data=form)
        assert (status, call["status"], call["direction"]) == (201, "queued", "outbound-api")
        told = await app.expect("/status", 4)
        await quiet(simulator)
        _, listed = await gateway.request("GET", f"{gateway.base}/Calls.json?Status=completed")
    assert [form["CallStatus"] for form in told] == ["initiated", "ringing", "in-progress", "completed"]
    assert agent.words == ["A call for you."]
    assert [one["sid"] for one in listed["calls"]] == [call["sid"]]


class Meeting(Ear):
    """Lets others know when somebody is met."""

    def __init__(self) -> None:
        super().__init__()
        self.meets_somebody = asyncio.Event()

    def meets(self, leg: Leg, other: Leg) -> None:
        super().meets(leg, other)
        self.meets_somebody.set()


async def test_the_waiting_caller_is_led_over_rest_into_the_agents_conference(tmp_path: Path) -> None:
    room = '<Dial><Conference endConferenceOnExit="true">c1</Conference></Dial>'
    pages: dict[str, Page] = {
        "/ring": twiml('<Enqueue waitUrl="/wait" action="/left">boil</Enqueue>'),
        "/wait": twiml("<Say>Please wait.</Say><Pause length='3600'/>"),
        "/left": twiml(),
        "/agent": twiml('<Gather numDigits="1" action="/agent/said"><Say>Press 1.</Say></Gather>'),
        "/agent/said": twiml(room),
        "/said/bridge": twiml(room),
    }
    async with city(tmp_path, pages, speed=100.0) as (app, simulator, gateway):
        caller, agent = Meeting(), Ear(presses={"Press 1.": "1"})
        simulator.telephone.board.parties[AGENT] = agent
        sid = ring(simulator, caller)
        await app.expect("/wait")
        ordered = {"To": AGENT, "From": CITY, "Url": f"{app.url}/agent"}
        await gateway.request("POST", f"{gateway.base}/Calls.json", data=ordered)
        await app.expect("/agent/said")
        where = {"Url": f"{app.url}/said/bridge", "Method": "POST"}
        status, call = await gateway.request("POST", f"{gateway.base}/Calls/{sid}.json", data=where)
        assert (status, call["status"]) == (200, "in-progress")
        (left,) = await app.expect("/left")
        await app.expect("/said/bridge")
        async with asyncio.timeout(PATIENCE_S):
            await caller.meets_somebody.wait()
        await gateway.request("POST", f"{gateway.base}/Calls/{sid}.json", data={"Status": "completed"})
        await quiet(simulator)
    assert left["QueueResult"] == "redirected"
    assert caller.met[0] != "alone" and agent.met[-1] == "alone"
    ends = [line["cause"] for line in lines(tmp_path, "voice.jsonl") if line["event"] == "end"]
    assert sorted(ends) == ["end of document", "ended over REST"]


async def test_callers_are_served_when_the_application_hangs(tmp_path: Path) -> None:
    document = twiml("<Say>In an emergency dial 9 1 1.</Say>")
    number = {"fallback_document": document}
    async with city(tmp_path, {"/ring": "hang"}, number, webhook_limit_s=0.05) as (_, simulator, _gateway):
        caller = Ear()
        ring(simulator, caller)
        await quiet(simulator)
    assert caller.words == ["In an emergency dial 9 1 1."]
    errors = [line["code"] for line in lines(tmp_path, "voice.jsonl") if line["event"] == "error"]
    assert errors == [11200]
    assert json.loads((tmp_path / "log" / "voice.jsonl").read_text().splitlines()[0])["event"] == "ring"


async def test_a_crowd_and_single_callers_are_let_in_by_the_controls(tmp_path: Path) -> None:
    pages: dict[str, Page] = {
        "/ring": twiml('<Gather numDigits="1" action="/said"><Say>Press 1.</Say></Gather>'),
        "/said": twiml("<Say>Boil your water.</Say>"),
    }
    async with city(tmp_path, pages) as (app, _, gateway):
        people = [{"number": f"+150355510{at:02}", "at_s": at * 0.5, "presses": ["2"]} for at in range(30)]
        status, answer = await gateway.request("POST", "/control/crowd", json={"people": people})
        assert (status, answer) == (201, {"people": 30})
        status, answer = await gateway.request("POST", "/control/call", json={"number": CALLER, "presses": ["3"]})
        assert status == 201
        await app.expect("/said", 31)
        status, state = await gateway.request("GET", f"/control/calls/settled?timeout_s={PATIENCE_S}")
        assert (status, state["live"], state["people"]) == (200, 0, {"called": 31})
        problems = [
            await gateway.request("POST", "/control/call", json={"number": "+15032281234"}),
            await gateway.request("POST", "/control/call", json={"number": CALLER, "to": "+15035559999"}),
            await gateway.request("POST", "/control/crowd", json={"people": [{"number": CALLER, "at_s": "soon"}]}),
        ]
    assert [status for status, _ in problems] == [400, 400, 400]
    digits = [line["what"] for line in lines(tmp_path, "voice.jsonl") if line["event"] == "digit"]
    assert sorted(digits) == ["2"] * 30 + ["3"]


async def test_a_whole_day_s_crowd_is_let_in(tmp_path: Path) -> None:
    async with city(tmp_path, {"/ring": twiml("<Hangup/>")}) as (_, _, gateway):
        people = [{"number": f"+1503555{at:04}", "at_s": 86_400.0, "presses": ["1", "2"]} for at in range(5_000)]
        status, answer = await gateway.request("POST", "/control/crowd", json={"people": people})
    assert (status, answer) == (201, {"people": 5_000})


# Forms and the code each is refused with.
REFUSED = [
    ({"To": ""}, 21201),
    ({"To": "911"}, 21214),
    ({"To": "+1911"}, 21214),
    ({"From": ""}, 21213),
    ({"To": "+1"}, 21217),
    ({"To": "+15032281234"}, 21215),
    ({"To": CITY}, 21266),
    ({"From": "+15035559999"}, 21210),
    ({"Url": ""}, 21205),
    ({"Url": "http://elsewhere.example.gov/"}, 21205),
    ({"Method": "PUT"}, 21206),
    ({"StatusCallback": "http://elsewhere.example.gov/"}, 21609),
    ({"FallbackUrl": "http://elsewhere.example.gov/"}, 21205),
    ({"Timeout": "601"}, 21218),
    ({"MachineDetection": "Always"}, 21218),
]


async def test_orders_and_lists_that_cannot_be_are_refused_as_twilio_does(tmp_path: Path) -> None:
    async with city(tmp_path, {}) as (app, _, gateway):
        good = {"To": AGENT, "From": CITY, "Url": f"{app.url}/agent"}
        calls = f"{gateway.base}/Calls.json"
        answers = [(await gateway.request("POST", calls, data=good | bad))[1]["code"] for bad, _ in REFUSED]
        nobody = f"{gateway.base}/Calls/CA{'0' * 32}.json"
        unknown = [await gateway.request("GET", nobody), await gateway.request("POST", nobody, data={"Status": "completed"})]
        wrong = [
            await gateway.request("GET", f"{calls}?{query}")
            for query in ("PageSize=0", "Status=gone", "StartTime=soon", "Page=x")
        ]
    assert answers == [code for _, code in REFUSED]
    assert [answer["code"] for _, answer in unknown] == [20404, 20404]
    assert [answer["code"] for _, answer in wrong] == [20007, 21218, 20001, 20404]
    logged = [line["event"] for line in lines(tmp_path, "voice.jsonl")]
    assert logged.count("forbidden") == 2 and logged.count("refused") == len(REFUSED) - 2


async def test_calls_are_listed_newest_first_page_by_page(tmp_path: Path) -> None:
    async with city(tmp_path, {"/ring": twiml("<Hangup/>")}) as (_, simulator, gateway):
        sids = [ring(simulator, Ear()) for _ in range(5)][::-1]
        await quiet(simulator)
        _, first = await gateway.request("GET", f"{gateway.base}/Calls.json?PageSize=2&From=%2B15035551001")
        _, second = await gateway.request("GET", first["next_page_uri"])
        _, last = await gateway.request("GET", second["next_page_uri"])
        _, back = await gateway.request("GET", last["previous_page_uri"])
        _, none = await gateway.request("GET", f"{gateway.base}/Calls.json?StartTime%3E=2099-01-01")
    shown = [[call["sid"] for call in page["calls"]] for page in (first, second, last)]
    assert shown == [sids[:2], sids[2:4], sids[4:]] and last["next_page_uri"] is None
    assert [call["sid"] for call in back["calls"]] == sids[2:4] and none["calls"] == []


async def test_what_went_wrong_on_calls_is_listed_newest_first_by_level(tmp_path: Path) -> None:
    pages: dict[str, Page] = {
        "/ring": twiml('<Say colour="red">one</Say>', "<Redirect>/gone</Redirect>"),
        "/gone": lambda form: 500,
    }
    async with city(tmp_path, pages, {"fallback_document": twiml("<Say>static</Say>")}) as (app, simulator, gateway):
        sids = []
        for _ in range(3):
            sids.append(ring(simulator, Ear()))
            await quiet(simulator)
        listed = f"{gateway.base}/Notifications.json"
        _, first = await gateway.request("GET", f"{listed}?Log=0&PageSize=2")
        _, second = await gateway.request("GET", first["next_page_uri"])
        _, back = await gateway.request("GET", second["previous_page_uri"])
        _, warned = await gateway.request("GET", f"{listed}?Log=1")
        _, every = await gateway.request("GET", listed)
    errors = [*first["notifications"], *second["notifications"]]
    assert [one["call_sid"] for one in errors] == sids[::-1] and second["next_page_uri"] is None
    assert {(one["error_code"], one["request_url"], one["request_method"]) for one in errors} == {
        ("11200", f"{app.url}/gone", "POST")
    }
    assert back["notifications"] == first["notifications"]
    assert {one["error_code"] for one in warned["notifications"]} == {"12200"} and len(every["notifications"]) == 6


async def test_a_recording_can_be_fetched_as_long_as_it_was(tmp_path: Path) -> None:
    async with city(tmp_path, {"/ring": twiml('<Record action="/recorded"/>'), "/recorded": twiml()}) as (app, _, gateway):
        await gateway.request("POST", "/control/call", json={"number": CALLER, "speaks_s": 6})
        (form,) = await app.expect("/recorded")
        path = form["RecordingUrl"].removeprefix(gateway.url)
        async with aiohttp.ClientSession(headers=gateway.headers) as session, session.get(f"{gateway.url}{path}.wav") as reply:
            body = await reply.read()
    assert (form["RecordingDuration"], recorded_s(body)) == ("6", 6.0)


async def test_an_address_asked_for_with_get_bears_the_form_and_its_signature(tmp_path: Path) -> None:
    gather = '<Gather numDigits="1" method="GET" action="/look/said?x=1"><Say>Press 1.</Say></Gather>'
    pages: dict[str, Page] = {"/ring": twiml(gather), "/look/said": twiml("<Say>Thank you.</Say>")}
    async with city(tmp_path, pages) as (app, simulator, _):
        caller = Ear(presses={"Press 1.": "1"})
        ring(simulator, caller)
        await quiet(simulator)
    (form,) = [form for path, form in app.forms if path == "/look/said"]
    assert (form["x"], form["Digits"], form["From"]) == ("1", "1", CALLER)
    assert app.unsigned == [] and caller.words == ["Press 1.", "Thank you."]


async def test_a_webhook_whose_connection_breaks_is_tried_once_more_under_the_same_token(tmp_path: Path) -> None:
    async with city(tmp_path, {"/ring": twiml("<Say>one</Say>")}) as (app, simulator, _):
        app.cuts = 1
        caller = Ear()
        ring(simulator, caller)
        await quiet(simulator)
    assert caller.words == ["one"]
    assert len(app.tokens) == 2 and len(set(app.tokens)) == 1


async def test_nothing_outside_the_callback_hosts_is_ever_asked(tmp_path: Path) -> None:
    outside = "http://elsewhere.example.gov"
    pages: dict[str, Page] = {"/ring": twiml(f"<Play>{outside}/tone.wav</Play><Redirect>{outside}/voice</Redirect>")}
    async with city(tmp_path, pages, {"fallback_document": twiml("<Say>static</Say>")}) as (_, simulator, _gateway):
        caller = Ear()
        ring(simulator, caller)
        await quiet(simulator)
    assert caller.words == ["static"]
    errors = [(line["code"], line["path"]) for line in lines(tmp_path, "voice.jsonl") if line["event"] == "error"]
    assert errors == [(11210, "/tone.wav"), (11210, "/voice")]


async def test_a_played_recording_takes_as_long_as_its_file(tmp_path: Path) -> None:
    async with city(tmp_path, {"/ring": ""}) as (app, simulator, _):
        app.pages["/ring"] = twiml(f"<Play>{app.url}/tone.wav</Play><Play>{app.url}/missing.wav</Play>")
        app.files["/tone.wav"] = silence(3.5)
        ring(simulator, Ear())
        await quiet(simulator)
        (call,) = simulator.telephone.board.register
    assert call.answered_at is not None and call.ended_at is not None
    assert 3.5 <= call.ended_at - call.answered_at

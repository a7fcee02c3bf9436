"""What is said before the judge: our channel's texts, questions and account check, and every answer a gateway may give."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp

from channels.base import Answer, Content, Misconfigured, Outbound, Outcome, Question
from channels.calls import Lost
from channels.simulator.config import SimulatedSender, SimulatorConfig
from channels.simulator.faults import SmsFaults
from channels.simulator.handsets import ENDINGS, Handsets
from channels.simulator.server import Running
from channels.simulator.telephone.config import TelephoneConfig, VoiceNumber
from channels.sms import TwilioSms
from channels.twilio_http import TwilioAccount, TwilioGateway
from channels.voice import TwilioVoice

SENDER: Final = "+15035550100"
CITY: Final = "+15035550311"
NO_APPLICATION: Final = "http://127.0.0.1:9/ring"  # nobody listens there: calls are served by the fallback document
HOLD: Final = '<Response><Say>Please hold.</Say><Pause length="86400"/></Response>'
SHORT_CODE: Final = "23456"
SLOW: Final = "+15035550101"  # a text in 100 s: what waits behind it can be taken back
CROWDED: Final = "+15415550199"  # has more texts than one page of a list holds
PUBLIC_URL: Final = "http://127.0.0.1:9"
QUIET: Final = SmsFaults(reports_off=True)  # nobody is there to be told
BODIES: Final = (
    "Portland: boil tap water 1 full minute before drinking. Info: https://alerts.example.gov/a/7Q2K?l=en&x=1",
    "Portland: hierva el agua del grifo 1 minuto. ¿Dudas? 311",
    "Portland: đun sôi nước máy 1 phút trước khi uống.",
    "波特蘭：飲用前請將自來水煮沸一分鐘。",
    "Портленд: кипятите воду 1 минуту.\nВопросы: 311",
    "Портленд: кип'ятіть воду 1 хвилину.",
    "Portland: Fierbeți apa 1 minut.",
    "Portland: Biyaha tuubada kari 1 daqiiqo.",
    "ポートランド：水道水は1分間沸騰させてください。",
    "포틀랜드: 수돗물을 1분간 끓이세요.",
    "بورتلاند: اغلوا ماء الصنبور دقيقة كاملة قبل الشرب.",
    "ພອດແລນ: ຕົ້ມນ້ຳປະປາ 1 ນາທີກ່ອນດື່ມ.",
    '100% + 50 & "quotes" = <b>; semi, colon: ~`^{}[]|\\€\t\r\nend',
    "😀 " * 30,
    "x" * 1600,
)


def simulator(folder: Any) -> SimulatorConfig:
    """A gateway with a fast number, a short code and a slow one; the first phones cannot be reached, each for its reason."""
    return SimulatorConfig(
        log=folder,
        senders=(
            SimulatedSender(number=SENDER, rate=10_000.0),
            SimulatedSender(number=SHORT_CODE, rate=10_000.0),
            SimulatedSender(number=SLOW, rate=0.01),
        ),
        callback_hosts=("127.0.0.1",),
        telephone=TelephoneConfig(
            numbers=(VoiceNumber(number=CITY, url=NO_APPLICATION, fallback_document=HOLD),), speed=20.0, calls_per_s=1_000.0
        ),
        sms_faults=QUIET,
        handsets=Handsets(delivered_after_s=0.0, listed={number(at): name for at, name in enumerate(ENDINGS)}),
    )


def number(at: int) -> str:
    return f"+1503555{1_000 + at:04}"


def texts(count: int) -> list[Outbound]:
    return [
        a_text(at, BODIES[at % len(BODIES)], valid_for=timedelta(seconds=(at % 3) * 20_000) if at % 3 else None)
        for at in range(count)
    ]


def a_text(at: int, body: str, **changes: Any) -> Outbound:
    content = Content(key=f"sms/{at}", language="en", body=body)
    return replace(Outbound(delivery_id=at + 1, event_id="contract", address=number(at), content=content), **changes)


def refusable(opted_out: str) -> list[Outbound]:
    """One text for each refusal that a gateway gives on account of a person or a text."""
    return [
        a_text(900, ""),
        a_text(901, "x" * 1601),
        a_text(902, "hello", address="+1"),
        a_text(903, "hello", address="+442079460000"),
        a_text(904, "hello", address=SENDER),
        a_text(905, "hello", address=opted_out),
    ]


class Speaker:
    """Our channel, connected to `url` as if Twilio were there."""

    def __init__(self, url: str, config: SimulatorConfig) -> None:
        self._url, self._config = url, config

    def channel(self, sender: str = SENDER, **changes: Any) -> TwilioSms:
        return TwilioSms(TwilioGateway(self._account(**changes)), sender)

    def _account(self, **changes: Any) -> TwilioAccount:
        account = TwilioAccount(
            account_sid=self._config.account_sid,
            auth_token=self._config.auth_token,
            public_url=PUBLIC_URL,
            base_url=self._url,
            total_timeout_s=60.0,
            connections=8,
        )
        return replace(account, **changes)

    async def send(self, batch: Sequence[Outbound], sender: str = SENDER) -> dict[int, Outcome]:
        """The account is checked, each text handed over; by delivery, what became of it."""
        async with self._open(sender) as sms:
            return {receipt.delivery_id: receipt.outcome async for receipt in sms.send(batch)}

    async def ask(self, questions: Sequence[Outbound]) -> list[Answer]:
        since = datetime.now(UTC) - timedelta(hours=1)
        async with self._open() as sms:
            return list(await sms.ask([question(outbound, since) for outbound in questions]))

    async def lost(self, number: str, since: datetime) -> Sequence[Lost]:
        """What our telephone reads in the provider's log of errors."""
        voice = TwilioVoice(TwilioGateway(self._account()), number)
        await voice.open()
        try:
            return await voice.lost(since)
        finally:
            await voice.close()

    @asynccontextmanager
    async def _open(self, sender: str = SENDER) -> AsyncIterator[TwilioSms]:
        sms = self.channel(sender)
        await sms.open()
        try:
            yield sms
        finally:
            await sms.close()

    async def is_refused(self, **changes: str) -> bool:
        """Whether the account check finds these settings wrong."""
        try:
            await self.channel(**changes).open()
        except Misconfigured:
            return True
        return False


def question(outbound: Outbound, since: datetime) -> Question:
    return Question(delivery_id=outbound.delivery_id, address=outbound.address, body=outbound.content.body, claimed_at=since)


async def crowd(running: Running, count: int) -> None:
    """Texts that only the gateway knows of, so that a list has several pages."""
    form = {"To": CROWDED, "From": SENDER, "Body": BODIES[0]}
    await asyncio.gather(*(running.exchange.create(form) for _ in range(count)))


def with_faults(running: Running, **faults: Any) -> None:
    running.live.sms = replace(QUIET, **faults)


class Caller:
    """Requests as our channel does not make them yet, or should never make them."""

    def __init__(self, session: aiohttp.ClientSession, url: str, config: SimulatorConfig) -> None:
        self._session, self._url = session, url
        self._login = {"Authorization": aiohttp.encode_basic_auth(config.account_sid, config.auth_token)}
        self.base = f"/2010-04-01/Accounts/{config.account_sid}"

    async def get(self, path: str, **query: str) -> tuple[int, dict[str, Any]]:
        return await self._call("GET", path, params=query)

    async def post(self, path: str, **form: str) -> tuple[int, dict[str, Any]]:
        return await self._call("POST", path, data=form)

    async def order(self, path: str, pairs: Sequence[tuple[str, str]]) -> tuple[int, dict[str, Any]]:
        """A form in which a name may stand more than once."""
        return await self._call("POST", path, data=aiohttp.FormData(pairs))

    async def nobody(self, path: str) -> tuple[int, dict[str, Any]]:
        """A request without a login."""
        async with self._session.get(self._url + path) as answer:
            return answer.status, await answer.json(content_type=None)

    async def _call(self, method: str, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
        async with self._session.request(method, self._url + path, headers=self._login, **more) as answer:
            return answer.status, await answer.json(content_type=None)

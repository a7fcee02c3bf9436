"""A caller is answered on the simulated telephone, asked by one text whether it has helped, answers, and is in the report."""

from collections import Counter
from pathlib import Path

from sqlalchemy import Connection

from channels.base import Content, Outbound, Outcome
from channels.base import Heard as Text
from channels.lookup import LineType
from channels.simulator.journal import entries
from channels.simulator.telephone.characters import Person as Character
from channels.simulator.telephone.crowd import Crowd
from channels.sms import TwilioSms
from channels.twilio_http import TwilioAccount, TwilioGateway
from notify.db import Database
from notify.residents.inbox import Inbox
from notify.residents.replies import Replies
from notify.sending.notices import NO_DELIVERY
from notify.wording.reviews import arrange
from subscribers import lines
from subscribers.dialog import lexicon
from subscribers.dialog.player import SampleWorld
from surge.desk.asking import Asking, Grades
from surge.floor.seats import AgentState
from surge.floor.texts import texts
from surge.numbers import happenings
from surge.numbers.report import report
from surge.switch import store as surge_store
from surge.tables import ActivationRow
from tests.notify.subjects import TEMPLATES, the_words
from tests.stories.test_floor_calls import AGENTS, _all_done, a_city
from tests.stories.test_floor_calls import store as store
from tests.surge.phone_fake import RING
from tests.surge.voice_factory import NOON, portland

CALLER, LANDLINE, OURS = "+15035551001", "+15035551002", "+15035550100"
ROW = ActivationRow(
    activation_id="A",
    runbook="boil-water",
    title="Boil water",
    status="open",
    level=1,
    made_by="a1",
    made_at=NOON,
    opened_at=NOON,
)


def _surge(conn: Connection) -> None:
    surge_store.add(conn, ROW)
    lines.keep(conn, RING, CALLER, LineType.MOBILE, NOON)
    lines.keep(conn, RING, LANDLINE, LineType.LANDLINE, NOON)


async def test_a_caller_says_whether_the_call_has_helped(store: Database, tmp_path: Path) -> None:
    store.write_now(_surge)
    people = [
        Character(number=number, at_s=0.0, presses=("0",), talk_s=20.0, patience_s=900.0) for number in (CALLER, LANDLINE)
    ]
    agents = [Character(number=number, presses_called=("1",), rings_s=3.0) for number in AGENTS.values()]
    async with a_city(store, tmp_path) as (floor, simulator):
        clock = floor.parts.clock
        await floor.activate(surge_store.value(ROW))
        for agent in AGENTS:
            await floor.set_state(agent, AgentState.READY)
        simulator.telephone.touch()
        Crowd(simulator.telephone.board, portland().number, [*people, *agents], "tocsin", Counter()).begin()
        await _all_done(simulator, floor, len(people))
        await floor.flush()
        sid, token = "AC" + "5" * 32, "simulated-token"
        account = TwilioAccount(account_sid=sid, auth_token=token, public_url=simulator.sms_url, base_url=simulator.sms_url)
        sms = TwilioSms(TwilioGateway(account), OURS)
        await sms.open()

        async def send(channel: str, address: str, content: Content, ours: str) -> Outcome:
            outbound = Outbound(delivery_id=NO_DELIVERY, event_id="desk-1", address=address, content=content)
            (receipt,) = [one async for one in sms.send([outbound])]
            return receipt.outcome

        said = texts(the_words(), arrange([]), allow_drafts=True)
        asking = Asking(
            db=store, clock=clock, ring=RING, city="City of Portland", texts=lambda: said, send=send, free=lambda: True
        )
        assert await asking.tick() == 1 and await asking.tick() == 0
        await sms.close()
        inbox = Inbox(
            db=store,
            clock=clock,
            keys=RING,
            lexicon=lexicon.load(TEMPLATES / "dialog" / "vocabulary"),
            replies=Replies(the_words(), (), allow_drafts=True),
            world=lambda _conn: SampleWorld(),
            spend=lambda _number, _parts: None,
            beyond=[Grades(RING, clock)],
        )
        (thanks,) = await inbox.hear(Text(provider_id="SM1", address=CALLER, ours=OURS, text="5", obeyed=""))
        assert thanks.startswith("Thank you.")
    sent = [line for line in entries(tmp_path / "log" / "sms.jsonl") if line.get("to") == CALLER and line.get("body")]
    assert len(sent) == 1 and "did your call to 311 help you?" in sent[0]["body"]
    found = store.read_now(lambda conn: happenings.happened(conn, ROW, clock.now(), portland().zone))
    figures = {line.name: line.value for section in report(found) for line in section.lines if line.name.startswith("satisf")}
    assert (figures["satisfaction_answers"].share.part, figures["satisfaction_answers"].share.whole) == (1, 1)  # type: ignore[union-attr]
    assert figures["satisfaction_good"].share.part == 1  # type: ignore[union-attr]

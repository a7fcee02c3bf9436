"""What callers hear follows the switch and the alert."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from notify.clock import ManualClock
from notify.db import Database
from notify.hotline import Hotline
from surge.switch.activation import Activation, Status
from surge.voice.prompts import Prompt
from surge.voice.situation import Situation, Situations
from tests.surge.phone_fake import a_floor
from tests.surge.voice_factory import NOON, portland, said, speech


class Told(Situations):
    """An alert whose words a test changes."""

    words = "Boil tap water for 1 minute."

    def __call__(self, conn: Connection, activation: Activation) -> Situation:
        return Situation(event_id="e1", messages={"en": Prompt(language="en", words=self.words)})


async def test_callers_hear_the_alert_while_surge_is_open_and_its_update_soon_after(store: Database, tmp_path: Path) -> None:
    opened = Activation(
        activation_id="s1", runbook="boil-water", title="Boil", status=Status.OPEN, level=2, made_by="lead", made_at=NOON
    )
    told = Told(speech())
    async with a_floor(store, ManualClock(NOON), tmp_path / "floor.journal") as house:
        line = Hotline(floor=house.floor, pack=portland(), routes=(), db=store, situations=told)

        def menu(sid: str) -> str:
            house.ring(sid)
            return said(house.press(sid, "greeting"))

        await line.switched(replace(opened, status=Status.ARMED))
        assert "Boil" not in menu("CA1")
        await line.switched(opened)
        assert told.words in menu("CA2") and house.floor.air.level == 2
        told.words = "Only east of the river."
        await line.look()
        assert told.words in menu("CA3")
        await line.switched(None)
        assert house.floor.air.activation_id is None and told.words not in menu("CA4")
        house.floor._scribe._behind.clear()  # its activation is in no table here

"""What callers hear follows the switch and the alert."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Connection

from notify import telephones
from notify.alerts.alert import Mode
from notify.clock import ManualClock
from notify.db import Database
from notify.hotline import Hotline
from notify.settings import Settings, load
from surge.pack import Pack
from surge.switch.activation import Activation, Status
from surge.voice.prompts import Prompt
from surge.voice.situation import Situation, Situations
from surge.voice.voices import Voice
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


HEARD = Voice(voice="Polly.Joanna-Neural", reviewed=date(2026, 11, 20), by="radio officer")
UNHEARD = Voice(voice="Polly.Lupe-Neural")


def a_live_city(**voices: Voice) -> tuple[Settings, Pack]:
    settings = load(
        mode=Mode.LIVE,
        twilio_account_sid="AC" + "5" * 32,
        twilio_auth_token="simulated-token",
        sms_senders="+15038234009=1",
        public_url="https://alerts.example.gov",
        private_url="https://console.example.gov",
    )
    real = {"number": "+15038234000", "from_911": "+15038234001", "emergency_line": "+15038233333"}
    return settings, replace(portland(), **real, forward="", second="", partners=(), voices=voices)


def test_a_voice_that_nobody_has_heard_closes_the_telephone_to_callers_and_not_to_staff_who_record(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings, pack = a_live_city(en=HEARD, es=UNHEARD)
    phone = telephones.of(settings, pack)
    assert phone is not None and telephones.for_callers(phone, pack, Mode.LIVE) is None
    assert "the voice for es is used and nobody has reviewed it" in caplog.text
    assert telephones.for_callers(phone, pack, Mode.TRAINING) is phone
    _, heard = a_live_city(en=HEARD)
    assert telephones.for_callers(phone, heard, Mode.LIVE) is phone


def test_a_pack_that_cannot_be_used_closes_the_telephone_to_everybody() -> None:
    settings, pack = a_live_city(en=HEARD)
    assert telephones.of(settings, replace(pack, emergency_line="911")) is None
    assert telephones.of(settings, replace(pack, number="+15035550311")) is None, "exchange 555 in a live city"

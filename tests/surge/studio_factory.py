"""A studio for recording prompts: staff with confirmed telephones, sounds to speak, and a city whose words a test changes."""

import io
import math
import struct
import wave
from collections.abc import Collection
from dataclasses import replace
from functools import cache, partial

from sqlalchemy import Connection, insert

from notify import data
from notify.alerts.life import Role, Staff
from notify.clock import Clock
from notify.db import Database
from notify.staff.paging_tables import StaffContact
from notify.staff.staff_tables import Person
from notify.wording import words
from notify.wording.reviews import Review, Reviewed
from notify.wording.words import Words
from surge.pack import Pack
from surge.recorded.recorder import Phone
from surge.recorded.speaking import Speaking
from surge.recorded.studio import Parts, Studio, build
from surge.recorded.takes import Take
from surge.voice import prompts
from tests.surge.phone_fake import RING
from tests.surge.voice_factory import NOON, portland

SPEAKER = Staff(person_id="speaker", roles=frozenset({Role.LEAD311}))
SECOND = Staff(person_id="second", roles=frozenset({Role.AUTHOR}))
ONLOOKER = Staff(person_id="onlooker", roles=frozenset({Role.AGENT311}))
PHONES = {"speaker": "+15035550161", "second": "+15035550162"}
SOMALI = "so"


def a_wav(seconds: float = 1.5, hertz: float = 440.0, rate: int = 8_000) -> bytes:
    """A tone, as the provider stores what is spoken: 16 bits, one channel."""
    second, count = _second(hertz, rate), round(rate * seconds)
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((second * math.ceil(seconds))[: 2 * count])
    return held.getvalue()


@cache
def _second(hertz: float, rate: int) -> bytes:
    """One second of a tone: whole waves, so that the next one goes on where it ends."""
    assert hertz == int(hertz)
    return struct.pack(f"<{rate}h", *(round(9_000 * math.sin(2 * math.pi * hertz * at / rate)) for at in range(rate)))


def staffed(conn: Connection) -> None:
    """People, and the telephones they have confirmed; the onlooker has none."""
    for one in (SPEAKER, SECOND, ONLOOKER):
        roles = ",".join(one.roles)
        person = Person(person_id=one.person_id, roles=roles, token_hash=one.person_id, created_at=NOON)
        conn.execute(insert(Person).values(**person.model_dump()))
        if one.person_id in PHONES:
            sealed = RING.seal("staff sms", PHONES[one.person_id])
            contact = StaffContact(
                person_id=one.person_id, channel="sms", sealed=sealed.data, key_id=sealed.key_id, confirmed_at=NOON
            )
            conn.execute(insert(StaffContact).values(**contact.model_dump()))


@cache
def the_words() -> Words:
    return words.load(data.folder("templates"))


def changed(known: Words, context: str, text: str) -> Words:
    """The same words but for one English sentence."""
    return replace(known, messages={**known.messages, context: replace(known.messages[context], text=text)})


def a_studio(
    db: Database, clock: Clock, phone: Phone | None, *, url: str = "https://city.example.gov", pack: Pack | None = None
) -> Studio:
    speaking = Speaking(
        words=the_words(), pack=pack or portland(), allow_drafts=True, public_url=url, reviews=lambda conn: list[Review]()
    )
    return build(Parts(db=db, clock=clock, ring=RING, phone=phone), speaking)


async def release(studio: Studio, staff: Staff, take_id: int, *, heard: bool) -> Take:
    let = partial(studio.releasing.release, staff=staff, take_id=take_id, heard=heard)
    return await studio.recorder.db.write(let)


async def refuse(studio: Studio, staff: Staff, take_id: int, why: str) -> Take:
    return await studio.recorder.db.write(partial(studio.releasing.refuse, staff=staff, take_id=take_id, why=why))


def needed(pack: Pack | None = None) -> Collection[str]:
    """What has to be recorded before a language without a voice is spoken."""
    speech = prompts.speech(the_words(), _nobody(), pack or portland(), allow_drafts=True)
    return speech.gaps[SOMALI]


def _nobody() -> Reviewed:
    return Reviewed(approved=frozenset(), ever=frozenset())

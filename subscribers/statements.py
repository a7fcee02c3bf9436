"""The statements that every text from a resident needs, built once: building one takes longer than running it.

What an insert or update writes is named by the parameters it is run with; `of` and `whose` bind the row that is meant.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Insert, Table, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from subscribers import tables


def table_of(row: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(row.__tablename__)]


SUBSCRIBER: Final = table_of(tables.Subscriber)
ADDRESS: Final = table_of(tables.Address)
PLACE: Final = table_of(tables.Place)
CHANGE: Final = table_of(tables.PlaceChange)
CONSENT: Final = table_of(tables.Consent)
FAILURE: Final = table_of(tables.Failure)
CONTACT: Final = table_of(tables.Contact)
WORDS: Final = table_of(tables.Words)
NOTED: Final = table_of(tables.Noted)

CARRIER: Final = "carrier "  # how the source of a consent row begins that a provider's refusal wrote: "carrier 21610"
GATEWAY: Final = "gateway: "  # and of one that repeats what the provider's gateway has itself acted on

ADDRESS_BY_BLIND: Final = select(ADDRESS).where(
    ADDRESS.c.channel == bindparam("channel"), ADDRESS.c.blind == bindparam("blind")
)
ADDRESSES_BY_ID: Final = select(ADDRESS).where(ADDRESS.c.address_id.in_(bindparam("ids", expanding=True)))
ADDRESSES_OF: Final = select(ADDRESS).where(ADDRESS.c.subscriber_id == bindparam("whose")).order_by(ADDRESS.c.address_id)
CHANGE_ADDRESS: Final = update(ADDRESS).where(ADDRESS.c.address_id == bindparam("of"))
FORGET_FAILURES: Final = delete(FAILURE).where(FAILURE.c.address_id == bindparam("of"))
PLACES_OF: Final = select(PLACE).where(PLACE.c.subscriber_id == bindparam("whose")).order_by(PLACE.c.place_id)
_ITS_PLACE: Final = (PLACE.c.subscriber_id == bindparam("whose"), PLACE.c.label == bindparam("called"))
MOVE_PLACE: Final = update(PLACE).where(*_ITS_PLACE)
REMOVE_PLACE: Final = delete(PLACE).where(*_ITS_PLACE)
ADD: Final = {table: insert(table).returning(*table.primary_key) for table in (SUBSCRIBER, ADDRESS, PLACE)}
NOTE_CHANGE: Final = insert(CHANGE)
NOTE_CONSENT: Final = insert(CONSENT)
GATEWAY_SAID: Final = (  # what the gateway last did with an address: let it be texted (true) or closed it (false)
    select(CONSENT.c.granted, CONSENT.c.at)
    .where(
        CONSENT.c.address_id == bindparam("of"),
        or_(CONSENT.c.source.startswith(CARRIER), CONSENT.c.source.startswith(GATEWAY)),
    )
    .order_by(CONSENT.c.consent_id.desc())
    .limit(1)
)

_CONTACT: Final = select(CONTACT).where(CONTACT.c.channel == bindparam("channel"), CONTACT.c.blind == bindparam("blind"))
CONTACT_BY_BLIND: Final = {False: _CONTACT, True: _CONTACT.with_for_update()}  # whether it is held
CHANGE_CONTACT: Final = update(CONTACT).where(CONTACT.c.contact_id == bindparam("of"))
WRITE_DOWN: Final = insert(WORDS)
WAS_TAKEN: Final = select(WORDS.c.words_id).where(WORDS.c.provider_id == bindparam("provider_id"))
ANSWERS: Final = (
    select(WORDS).where(WORDS.c.provider_id.in_(bindparam("provider_ids", expanding=True))).order_by(WORDS.c.words_id)
)


def _new_contact(dialect: Any) -> Insert:
    made: Insert = dialect.insert(CONTACT).on_conflict_do_nothing()
    return made


def _one_more(dialect: Any) -> Insert:
    first = dialect.insert(NOTED)
    counted: Insert = first.on_conflict_do_update(index_elements=list(NOTED.primary_key), set_={"count": NOTED.c.count + 1})
    return counted


DIALECTS: Final = {"sqlite": sqlite, "postgresql": postgresql}
NEW_CONTACT: Final[Mapping[str, Insert]] = {name: _new_contact(dialect) for name, dialect in DIALECTS.items()}
COUNT: Final[Mapping[str, Insert]] = {name: _one_more(dialect) for name, dialect in DIALECTS.items()}

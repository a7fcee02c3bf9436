"""What is to be said without the database: the alert file of `send-from-snapshot`, and whom it is for.

area: {names: [Lents]}            # or geojson, or circle, with words; as in an alert file
expires: 2026-05-23T18:00-07:00   # nothing leaves after it
bases: [opt-in, emergency]        # whom it may go to; all bases unless given
texts:
  sms: {en: "...", es: "..."}     # English must be there: whoever has no text of their language reads it
  email: {en: {subject: "...", body: "..."}}
"""

import hashlib
import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from shapely import unary_union

from channels.base import Content
from notify.alerts.draft import AreaChoice, Moment, problems_of
from notify.city import City
from notify.snapshot.columns import SUSPECT, Person
from notify.snapshot.contents import Snapshot
from notify.wording.slots import ENGLISH
from subscribers import areas as geography
from subscribers.plain import spoken
from subscribers.tables import Basis

MOST_TEXT: Final = 1600  # characters Twilio takes


class BadOrder(Exception):
    """The alert file cannot be used; `problems` holds every reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mail(_Form):
    subject: str = Field(min_length=1, max_length=200)
    body: str = Field(min_length=1)


class Texts(_Form):
    sms: dict[str, str] = Field(default_factory=dict)
    email: dict[str, Mail] = Field(default_factory=dict)


class Order(_Form):
    area: AreaChoice
    expires: Moment
    bases: tuple[Basis, ...] = tuple(Basis)
    texts: Texts

    def contents(self) -> dict[tuple[str, str], Content]:
        """Every text by channel and language."""
        found = {}
        for language, body in self.texts.sms.items():
            found["sms", language] = Content(key=f"snapshot/sms/{language}", language=language, body=body)
        for language, mail in self.texts.email.items():
            key = f"snapshot/email/{language}"
            found["email", language] = Content(key=key, language=language, body=mail.body, subject=mail.subject)
        return found


def read(text: str, now: datetime) -> Order:
    """Raises BadOrder with every problem."""
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadOrder([f"The file is no YAML: {error}"]) from None
    try:
        order = Order.model_validate(given)
    except ValidationError as error:
        raise BadOrder(problems_of(error)) from None
    problems = []
    if order.expires <= now:
        problems.append("expires: that time has passed; nothing would leave.")
    if not order.texts.sms and not order.texts.email:
        problems.append("texts: there is none.")
    for channel, texts in (("sms", order.texts.sms), ("email", order.texts.email)):
        if texts and ENGLISH not in texts:
            problems.append(f"texts.{channel}: English (en) must be there; whoever has no text of their own reads it.")
    problems += [f"texts.sms.{one}: it is empty." for one, body in order.texts.sms.items() if not body.strip()]
    problems += [
        f"texts.sms.{one}: {len(body)} characters; {MOST_TEXT} at most."
        for one, body in order.texts.sms.items()
        if len(body) > MOST_TEXT
    ]
    if problems:
        raise BadOrder(problems)
    return order


def digest(order: Order, snapshot: Snapshot) -> str:
    """What both people say yes to: these words, this area, these people as of that moment."""
    what = {
        "order": order.model_dump(mode="json"),
        "made_at": snapshot.made_at.isoformat(),
        "addresses": len(snapshot.addresses),
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Which addresses are told, in the order of their ids, and by which channels; left: how many are not, by reason.
    addresses: all there are, by address_id."""

    ids: Sequence[int]
    addresses: Mapping[int, Person]
    channels: frozenset[str]
    left: Mapping[str, int]


def audience(order: Order, snapshot: Snapshot, city: City, stopped: frozenset[tuple[str, str]]) -> Audience:
    """Everybody the order is for. stopped: (channel, address) of whoever said STOP since. Raises BadOrder."""
    shape, citywide = _area(order, snapshot, city)
    matched = snapshot.index.match(shape, citywide=citywide, bases=[str(one) for one in order.bases])
    used = {channel for channel, _ in order.contents()}
    left = {reason.name.lower().replace("_", " "): count for reason, count in matched.left.items() if count}
    ids, channels = array("q"), set()
    for address_id in array("q", np.sort(matched.address_id).tobytes()):
        one = snapshot.addresses[address_id]
        why = _why_not(one, used, stopped)
        if why:
            left[why] = left.get(why, 0) + 1
        else:
            ids.append(address_id)
            channels.add(one.channel)
    return Audience(ids=ids, addresses=snapshot.addresses, channels=frozenset(channels), left=left)


def _why_not(one: Person, used: set[str], stopped: frozenset[tuple[str, str]]) -> str:
    if (one.channel, one.address.lower()) in stopped:
        return "stopped since"
    if one.standing == SUSPECT:
        return "may have a new owner"
    return "" if one.channel in used else "channel not used"


def _area(order: Order, snapshot: Snapshot, city: City) -> tuple[Any, bool]:
    """The shape, and whether it is citywide: by the area's own mark, or by the share of the city that policy names."""
    choice = order.area
    if choice.names:
        unknown = [name for name in choice.names if name not in snapshot.areas]
        if unknown:
            raise BadOrder([f"area: the snapshot has no area '{name}'." for name in unknown])
        shape = unary_union([snapshot.areas[name][0] for name in choice.names])
        marked = any(snapshot.areas[name][1] for name in choice.names)
        return shape, marked or _covers(shape, snapshot, city)
    try:
        if choice.circle:
            given = choice.circle
            shape = geography.circle(given.lat, given.lon, given.radius_m, city.pack.box)
        elif choice.geojson:
            shape = geography.read_geometry(choice.geojson, city.pack.box)
        else:
            raise BadOrder(["area: name at least one area, or draw one."])
    except geography.BadArea as error:
        raise BadOrder([f"area: {problem}" for problem in error.problems]) from None
    return shape, _covers(shape, snapshot, city)


def _covers(shape: Any, snapshot: Snapshot, city: City) -> bool:
    policy = city.policy.citywide
    whole = snapshot.areas.get(str(policy["city_area"]))
    return whole is not None and shape.intersection(whole[0]).area >= float(policy["share_of_city"]) * whole[0].area


def content_for(contents: Mapping[tuple[str, str], Content], one: Person) -> Content:
    """The text somebody gets: their language's, or English."""
    keys = ((one.channel, language) for language in (one.language, spoken(one.language), ENGLISH))
    return next(contents[key] for key in keys if key in contents)

"""What the dialog may look up: the city's own facts, and open sites near a ZIP."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from shapely.geometry import Polygon, box
from sqlalchemy import Connection

from channels.base import Content
from channels.text import measure
from notify.alerts.alert import Event, Stage, Urgency
from notify.alerts.hazards import catalogue
from notify.city import City
from notify.clock import ManualClock
from notify.db import Database
from notify.residents import world
from notify.residents.live import Live, LiveAlerts
from notify.residents.relief import Nearby, SiteList, topics
from notify.residents.replies import Replies
from subscribers.dialog.turn import Sight
from subscribers.place import Point, Spot, ZipArea
from tests.notify.factories import SENT, a_square, an_event
from tests.notify.newsroom_factory import portland, portland_areas
from tests.notify.signup_factory import a_site
from tests.notify.subjects import the_words

HEADER = "name,topic,address,lat,lon,open,hours,pets,wheelchair"
LENTS = "Lents School,SHELTER,9200 block SE Foster Rd,45.4797,-122.5670,yes,24/7,yes,yes"
SUNNYSIDE = "Sunnyside Hall,SHELTER,3400 block SE Main St,45.5120,-122.6260,yes,8:00-20:00,no,yes"
DOWNTOWN = "Downtown Center,SHELTER,1100 block SW 5th Ave,45.5150,-122.6795,yes,24/7,no,no"
EVERYWHERE = box(-123.2, 45.3, -122.2, 45.7)
REPLIES = Replies(the_words(), (), allow_drafts=True)
LANGUAGES = portland().pack.tags


class NoGazetteer:
    def addresses(self, conn: Connection, text: str, near: Sequence[Spot]) -> Sequence[Sight]:
        return ()

    def named(self, conn: Connection, text: str) -> Sequence[Sight]:
        return ()


def an_alert(shape: Polygon = EVERYWHERE, **fields: object) -> Live:
    said = Content(key="sms/first/en", language="en", body="STAY INSIDE")
    event: Event = an_event(areas=(a_square(shape=shape),), contents={said.key: said}, **fields)
    return Live.within(event, SENT, False, shape)


class Desk:
    """A resident asks; `put` writes the list that staff keep, `alerts` are in force."""

    def __init__(self, folder: Path, db: Database) -> None:
        self.sites = SiteList(folder, portland(), topics(catalogue()))
        self.live = LiveAlerts(db=db, clock=ManualClock(SENT), hazards=catalogue(), event=_no_event)
        self.live.shapes = {area.name: area.shape for area in portland_areas()}
        self.live.zips = frozenset(area.name for area in portland_areas() if area.kind == "zip")
        self.db = db

    def put(self, *lines: str) -> None:
        part = self.sites.own.with_suffix(".part")
        part.write_text("\n".join([HEADER, *lines]) + "\n", "utf-8")
        os.replace(part, self.sites.own)

    def asked(
        self, zip_: str, *alerts: Live, word: str = "SHELTER", language: str = "en", places: Sequence[Spot] = ()
    ) -> tuple[str, ...] | None:
        self.live.standing = alerts
        nearby = Nearby(self.sites.current, lambda reply: REPLIES.text(reply).body)
        with self.db.reader.connect() as conn:
            known = world.facts(portland(), a_site())
            seen = world.CityWorld(known, a_site(), self.live, NoGazetteer(), conn, nearby)
            return seen.topic(word, 1, language, zip_, places)


def _no_event(_event_id: str) -> Event:
    raise AssertionError("no event is looked up here")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with closing(Database(f"sqlite:///{tmp_path / 'empty.db'}")) as db:
        yield Desk(tmp_path, db)


def test_what_replies_name_comes_from_the_city_pack() -> None:
    known = world.facts(portland(), a_site())
    assert known.county_link == portland().pack.county_link == "publicalerts.org"
    assert (known.phones, known.phone) == ("311 / 503-823-4000", "311")


def test_the_two_nearest_open_sites_are_told_with_hours_pets_and_access(desk: Desk) -> None:
    desk.put(LENTS, SUNNYSIDE, DOWNTOWN)
    assert desk.asked("97266") == (
        "Open near 97266: 1) Lents School, 9200 block SE Foster Rd, 24/7, pets OK, wheelchair access, "
        "2) Sunnyside Hall, 3400 block SE Main St, 8:00-20:00, wheelchair access",
    )
    assert desk.asked("97204-1234") == (
        "Open near 97204: 1) Downtown Center, 1100 block SW 5th Ave, 24/7, "
        "2) Sunnyside Hall, 3400 block SE Main St, 8:00-20:00, wheelchair access",
    )


def test_a_site_that_opens_or_closes_is_told_or_not_at_once(desk: Desk) -> None:
    desk.put(LENTS.replace("yes,24/7", "no,24/7"))
    assert desk.asked("97266") is None
    desk.put(LENTS)
    assert "Lents School" in str(desk.asked("97266"))
    desk.sites.own.unlink()
    assert desk.asked("97266") is None, "the sample city's own sites are closed until an event"


def test_a_list_broken_by_hand_leaves_the_last_good_one(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.put(LENTS)
    before = desk.asked("97266")
    desk.put("half a row")
    assert desk.asked("97266") == desk.asked("97266") == before
    assert [record.levelname for record in caplog.records] == ["ERROR"], "and it is said once"


def test_without_a_zip_of_the_city_or_a_site_of_the_topic_there_is_no_answer_of_ours(desk: Desk) -> None:
    desk.put(LENTS)
    assert desk.asked("") is None
    assert desk.asked("97005") is None
    assert desk.asked("97266", word="WATER") is None


def test_nobody_told_to_stay_inside_at_once_is_sent_to_a_site(desk: Desk) -> None:
    desk.put(LENTS, SUNNYSIDE)
    for hazard in ("toxic_release", "dangerous_person"):
        alert = an_alert(box(-122.59, 45.46, -122.55, 45.50), hazard=hazard)
        assert desk.asked("97266", alert) == ("STAY INSIDE",)
        assert "Lents" not in str(desk.asked("97214", alert)), "nor anybody else into that area"
    smoke = an_alert(hazard="smoke")
    assert smoke.event.urgency is not Urgency.IMMEDIATE
    assert "Lents School" in str(desk.asked("97266", smoke)), "clean air may be what they look for"


def test_no_site_is_told_inside_an_area_that_people_have_to_leave(desk: Desk) -> None:
    desk.put(LENTS, SUNNYSIDE, DOWNTOWN)
    fire = an_alert(box(-122.59, 45.46, -122.55, 45.50), hazard="wildfire_leave_now")
    told = str(desk.asked("97266", fire))
    assert "Lents School" not in told and "Sunnyside Hall" in told and "Downtown Center" in told
    assert "Lents School" in str(desk.asked("97266", Live.within(fire.event, SENT, True, fire.shape))), "it is over"


LENTS_ONLY, DOWNTOWN_ONLY = box(-122.59, 45.46, -122.55, 45.50), box(-122.70, 45.50, -122.66, 45.53)


def saying(words: str, shape: Polygon, *, over: bool = False, **fields: object) -> Live:
    stage = Stage.ALL_CLEAR if over else Stage.FIRST
    said = Content(key=f"sms/{stage.value}/en", language="en", body=words)
    event = an_event(areas=(a_square(shape=shape),), contents={said.key: said}, stage=stage, **fields)
    return Live.within(event, SENT, over, shape)


def test_an_alert_is_for_whoever_may_live_inside_where_only_the_block_is_known(desk: Desk) -> None:
    alert = an_alert(LENTS_ONLY)
    desk.live.standing = (alert,)
    for lon, told in ((-122.548, [alert]), (-122.5478, [])):  # 156 m and 172 m east of the line
        assert desk.live.reaching([Point(45.48, lon, block="9900 block SE Ramona St")]) == told
        assert desk.live.reaching([Point(45.48, lon)]) == []


def test_of_two_alerts_with_the_same_word_people_read_the_one_for_where_they_are(desk: Desk) -> None:
    drink = saying("LENTS: DO NOT DRINK", LENTS_ONLY, hazard="do_not_drink")
    boil = saying("DOWNTOWN: BOIL WATER", DOWNTOWN_ONLY)
    downtown, lents = ZipArea("97204"), Point(45.4797, -122.5670)
    assert desk.asked("", drink, boil, word="WATER", places=[downtown]) == ("DOWNTOWN: BOIL WATER",)
    assert desk.asked("", drink, boil, word="WATER", places=[lents]) == ("LENTS: DO NOT DRINK",)
    assert desk.asked("", drink, boil, word="WATER", places=[downtown, lents]) == ("LENTS: DO NOT DRINK",), "the worst first"
    assert desk.asked("97204", drink, boil, word="WATER", places=[lents]) == ("DOWNTOWN: BOIL WATER",), "they asked about there"
    for nowhere in ((), [ZipArea("97217")]):
        assert desk.asked("", drink, boil, word="WATER", places=nowhere) == ("LENTS: DO NOT DRINK",)


def test_what_is_over_where_they_are_is_said_before_what_goes_on_elsewhere_and_never_before_what_goes_on_there(
    desk: Desk,
) -> None:
    boil, clear = saying("LENTS: BOIL WATER", LENTS_ONLY), saying("DOWNTOWN: SAFE AGAIN", DOWNTOWN_ONLY, over=True)
    lents, downtown = ZipArea("97266"), ZipArea("97204")
    assert desk.asked("", boil, clear, word="WATER", places=[downtown]) == ("DOWNTOWN: SAFE AGAIN",)
    assert desk.asked("", boil, clear, word="WATER", places=[downtown, lents]) == ("LENTS: BOIL WATER",)
    assert desk.asked("", boil, clear, word="WATER") == ("LENTS: BOIL WATER",)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_fits_two_parts_in_every_language_and_names_a_site(desk: Desk, language: str) -> None:
    desk.put(LENTS, SUNNYSIDE, DOWNTOWN)
    (said,) = desk.asked("97266", language=language) or ("",)
    assert measure(said).parts <= 2 and "Lents School, 9200 block SE Foster Rd, 24/7" in said


def test_the_sample_citys_sites_can_be_read_and_are_closed() -> None:
    pack: City = portland()
    sites = SiteList(Path("/nowhere"), pack, topics(catalogue())).read(pack.folder / "sites.csv")
    assert len(sites) >= 10 and not any(site.is_open for site in sites)
    assert all(site.name.startswith("Sample ") for site in sites)

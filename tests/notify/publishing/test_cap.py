"""An Event as CAP 1.2: every word in its place, times in the city's offset, and the same bytes for ever."""

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from shapely.geometry import Polygon, box

from notify.alerts.alert import Event, Mode, Reference, Stage
from notify.publishing.cap import build, identity, local_time, triple
from notify.publishing.cap_geometry import Unmappable
from tests.notify.factories import PORTLAND, SENT, a_reference, a_square, an_event, an_info

ROOT = Path(__file__).parents[3]
RENDER = """
import hashlib
from notify.publishing.cap import build
from tests.notify.factories import PORTLAND, an_event
print(hashlib.sha256(build(an_event(), PORTLAND)).hexdigest())
"""


def read(event: Event, time_zone: ZoneInfo = PORTLAND) -> Any:
    return etree.fromstring(build(event, time_zone))


def texts(node: Any, path: str) -> list[str]:
    """Texts of the elements at a path like "info/area/areaDesc"."""
    return [found.text for found in node.findall("/".join(f"{{*}}{name}" for name in path.split("/")))]


def text(node: Any, path: str) -> str | None:
    found = texts(node, path)
    assert len(found) <= 1, f"{path} stands {len(found)} times"
    return found[0] if found else None


def names(node: Any) -> list[str]:
    return [etree.QName(child).localname for child in node]


def test_a_first_alert_says_everything_in_the_order_of_the_schema() -> None:
    alert = read(an_event())
    assert alert.tag == "{urn:oasis:names:tc:emergency:cap:1.2}alert"
    assert names(alert) == ["identifier", "sender", "sent", "status", "msgType", "scope", "code", "info", "info"]
    assert [text(alert, name) for name in ("identifier", "sender", "sent", "status", "msgType", "scope", "code")] == [
        "00000000-0000-0000-0000-000000000002", "alerts@example.gov", "2014-05-23T08:40:12-07:00",
        "Actual", "Alert", "Public", "IPAWSv1.0",
    ]  # fmt: skip
    info = alert.find("{*}info")
    assert names(info) == [
        "language", "category", "category", "event", "responseType", "urgency", "severity", "certainty", "eventCode",
        "eventCode", "eventCode", "effective", "expires", "senderName", "headline", "description", "instruction", "web",
        "contact", "area",
    ]  # fmt: skip
    assert texts(info, "category") == ["Health", "Infra"]
    assert texts(info, "eventCode/valueName") == ["SAME", "OET", "OET"]
    assert texts(info, "eventCode/value") == ["LAE", "OET-144", "OET-047"]
    assert text(info, "effective") == "2014-05-23T08:40:12-07:00"
    assert text(info, "expires") == "2014-05-24T08:40:12-07:00"
    assert text(info, "web") == "https://alerts.example.gov/a/K7Q2"
    assert text(info, "area/areaDesc") == "Lents, from Powell to the county line [en-US]"
    assert text(info, "area/polygon") == (
        "45.46000,-122.56000 45.50000,-122.56000 45.50000,-122.60000 45.46000,-122.60000 45.46000,-122.56000"
    )


def test_there_is_one_info_a_language_and_english_comes_first() -> None:
    infos = tuple(an_info(language) for language in ("es-US", "vi", "en-US", "zh-Hant"))
    alert = read(an_event(infos=infos))
    assert texts(alert, "info/language") == ["en-US", "es-US", "vi", "zh-Hant"]
    assert len(set(texts(alert, "info/instruction"))) == 4


def test_categories_and_codes_are_the_same_in_every_language() -> None:
    for name in ("category", "eventCode/value", "responseType", "expires", "area/polygon"):
        first, second = (texts(info, name) for info in read(an_event()).findall("{*}info"))
        assert first == second != []


@pytest.mark.parametrize(
    ("mode", "stage", "hazard", "status"),
    [
        (Mode.LIVE, Stage.FIRST, "flood", "Actual"),
        (Mode.LIVE, Stage.FALSE_ALARM, "flood", "Actual"),
        (Mode.LIVE, Stage.TEST, "flood", "Test"),
        (Mode.LIVE, Stage.TEST, "test", "Test"),
        (Mode.LIVE, Stage.ALL_CLEAR, "test", "Test"),
        (Mode.DEMO, Stage.FIRST, "flood", "Actual"),
        (Mode.DEMO, Stage.TEST, "flood", "Test"),
        (Mode.TRAINING, Stage.FIRST, "flood", "Exercise"),
        (Mode.TRAINING, Stage.TEST, "flood", "Exercise"),
    ],
)
def test_nothing_but_the_real_thing_is_actual(mode: Mode, stage: Stage, hazard: str, status: str) -> None:
    assert text(read(an_event(mode=mode, stage=stage, hazard=hazard)), "status") == status


@pytest.mark.parametrize(
    ("stage", "msg_type"),
    [
        (Stage.FIRST, "Alert"),
        (Stage.TEST, "Alert"),
        (Stage.UPDATE, "Update"),
        (Stage.RENEWAL, "Update"),
        (Stage.CORRECTION, "Update"),
        (Stage.ALL_CLEAR, "Update"),
        (Stage.FALSE_ALARM, "Cancel"),
    ],
)
def test_each_stage_has_its_message_type(stage: Stage, msg_type: str) -> None:
    assert text(read(an_event(stage=stage)), "msgType") == msg_type


@pytest.mark.parametrize("stage", [Stage.ALL_CLEAR, Stage.FALSE_ALARM])
def test_once_it_is_over_nobody_is_told_to_leave(stage: Stage) -> None:
    event = an_event(stage=stage, hazard="wildfire_leave_now", response_type="Evacuate")
    assert texts(read(event), "info/responseType") == ["AllClear", "AllClear"]


def test_an_exercise_always_has_a_note() -> None:
    assert text(read(an_event(mode=Mode.TRAINING)), "note") == "Spring exercise"
    assert text(read(an_event(mode=Mode.TRAINING, note="")), "note") == "Exercise. This is not a real emergency."


def test_a_note_says_why_words_are_taken_back() -> None:
    assert text(read(an_event(stage=Stage.FALSE_ALARM)), "note") == "The first alert was wrong."
    assert text(read(an_event()), "note") is None


def test_references_repeat_the_very_words_of_the_messages_they_name() -> None:
    first = an_event(identifier=str(UUID(int=7)), sent=SENT - timedelta(days=80), effective=SENT)
    update = an_event(
        stage=Stage.UPDATE,
        references=(
            Reference(sender=first.sender, identifier=first.identifier, sent=first.sent),
            a_reference(),
        ),
    )
    sender, identifier, sent = (text(read(first), name) for name in ("sender", "identifier", "sent"))
    one, two = (text(read(update), "references") or "").split(" ")
    assert one == f"{sender},{identifier},{sent}"
    assert sent == "2014-03-04T07:40:12-08:00"
    assert two.endswith(",2014-05-23T07:40:12-07:00")


def test_the_profile_of_ipaws_is_claimed_only_with_one_same_code() -> None:
    assert text(read(an_event(hazard="flood")), "code") == "IPAWSv1.0"
    assert text(read(an_event(hazard="smoke")), "code") is None
    twice = (("SAME", "EVI"), ("SAME", "HMW"))
    assert text(read(an_event(event_codes=twice)), "code") is None


@pytest.mark.parametrize(
    ("time", "zone", "written"),
    [
        ("2014-05-23T15:40:12.999999+00:00", "America/Los_Angeles", "2014-05-23T08:40:12-07:00"),
        ("2014-12-31T23:59:59+00:00", "America/Los_Angeles", "2014-12-31T15:59:59-08:00"),
        ("2024-11-03T08:30:00+00:00", "America/Los_Angeles", "2024-11-03T01:30:00-07:00"),
        ("2024-11-03T09:30:00+00:00", "America/Los_Angeles", "2024-11-03T01:30:00-08:00"),
        ("2024-02-29T10:30:00+00:00", "Pacific/Kiritimati", "2024-03-01T00:30:00+14:00"),
        ("2024-02-29T10:30:00+00:00", "Asia/Kathmandu", "2024-02-29T16:15:00+05:45"),
        ("2024-02-29T10:30:00-08:00", "UTC", "2024-02-29T18:30:00-00:00"),
        ("2024-07-01T10:30:00+00:00", "Europe/London", "2024-07-01T11:30:00+01:00"),
        ("2024-01-01T10:30:00+00:00", "Europe/London", "2024-01-01T10:30:00-00:00"),
    ],
)
def test_times_are_local_without_fraction_and_never_z(time: str, zone: str, written: str) -> None:
    assert local_time(datetime.fromisoformat(time), ZoneInfo(zone)) == written


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="names no time zone"):
        build(an_event(sent=datetime(2014, 5, 23, 8, 40)), PORTLAND)


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_written_time_is_the_same_instant(time: datetime) -> None:
    assert datetime.fromisoformat(local_time(time, PORTLAND)) == time.replace(microsecond=0)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_can_break_the_document(one: str, other: str) -> None:
    event = an_event(infos=(an_info(headline=one, description=other, area_desc=one), an_info("ar", instruction=other)))
    alert = read(event)
    assert len(alert.findall("{*}info")) == 2
    assert all(child.text is None or child.text.strip() == child.text for child in alert.iter() if not len(child))


def test_markup_and_control_characters_are_only_text() -> None:
    words = "a\x00b\x1b \ud800 </headline><info/> & ]]> <!-- \r\n\r \uffff \x85 é 水 \U0001f6b0"
    (info, _) = read(an_event(infos=(an_info(headline=words), an_info("es-US")))).findall("{*}info")
    assert text(info, "headline") == "a b    </headline><info/> & ]]> <!-- \n\n     é 水 \U0001f6b0"


def test_what_is_not_known_is_left_out() -> None:
    info = read(an_event(contact="", web=" ", sender_name="\x00")).find("{*}info")
    assert {"contact", "web", "senderName"}.isdisjoint(names(info))


def test_each_area_is_named_in_the_language_of_its_info() -> None:
    lents = a_square("Lents", names={"es-US": "El Lents", "zh": "倫茨"})
    kenton = a_square("Kenton", west=-122.7)
    infos = tuple(an_info(language) for language in ("en-US", "es-US", "zh-Hant-TW"))
    alert = read(an_event(areas=(lents, kenton), infos=infos))
    found = [texts(info, "area/areaDesc") for info in alert.findall("{*}info")]
    assert found == [["Lents", "Kenton"], ["El Lents", "Kenton"], ["倫茨", "Kenton"]]


def test_a_single_area_has_the_approved_words_for_the_whole() -> None:
    assert texts(read(an_event()), "info/area/areaDesc") == [an_info().area_desc, an_info("es-US").area_desc]
    wordless = tuple(an_info(language, area_desc="") for language in ("en-US", "es-US"))
    assert texts(read(an_event(infos=wordless)), "info/area/areaDesc") == ["Lents", "Lents"]


def test_a_hole_among_several_areas_keeps_its_words() -> None:
    ring = a_square("Ring", shape=box(-122.6, 45.4, -122.5, 45.5).difference(box(-122.58, 45.42, -122.56, 45.44)))
    far = a_square("Far", west=-122.8)
    infos = (an_info(area_desc="Ring except the island, and Far"),)
    alert = read(an_event(areas=(ring, far), infos=infos))
    assert texts(alert, "info/area/areaDesc") == ["Ring (Ring except the island, and Far)", "Far"]


def test_a_hole_that_another_area_fills_is_no_exception() -> None:
    core = box(-122.58, 45.42, -122.56, 45.44)
    ring = a_square("Ring", shape=box(-122.6, 45.4, -122.5, 45.5).difference(core))
    alert = read(an_event(areas=(ring, a_square("Core", shape=core))))
    assert texts(alert.find("{*}info"), "area/areaDesc") == ["Ring", "Core"]


def drawn(info: Any) -> Any:
    rings = [[tuple(map(float, pair.split(",")))[::-1] for pair in ring.split()] for ring in texts(info, "area/polygon")]
    return shapely.union_all([Polygon(ring) for ring in rings])


def test_a_long_list_of_areas_is_one_area_that_covers_them_all() -> None:
    squares = tuple(a_square(f"Lot {n}", west=-122.7 + 0.003 * n, side=0.002) for n in range(60))
    info = read(an_event(areas=squares)).find("{*}info")
    assert texts(info, "area/areaDesc") == [an_info().area_desc]
    assert drawn(info).covers(shapely.union_all([square.shape for square in squares]))


def test_many_ragged_areas_in_many_languages_stay_small_and_covered() -> None:
    discs = tuple(
        a_square(f"Disc {n}", shape=shapely.Point(-122.7 + 0.03 * n, 45.5).buffer(0.01, quad_segs=300)) for n in range(40)
    )
    infos = tuple(an_info(f"x{n}") for n in range(12))
    document = build(an_event(areas=discs, infos=infos), PORTLAND)
    assert len(document) < 900_000
    assert drawn(etree.fromstring(document).find("{*}info")).covers(shapely.union_all([disc.shape for disc in discs]))


def test_an_event_without_an_area_is_refused() -> None:
    with pytest.raises(Unmappable, match="no area"):
        build(an_event(areas=()), PORTLAND)
    with pytest.raises(Unmappable, match="Self-intersection"):
        build(an_event(areas=(a_square(shape=Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])),)), PORTLAND)


@pytest.mark.parametrize("bad", ["", "a b", "a,b", "a<b", "a&b", "a\nb", "a\u00a0b"])
def test_an_identity_that_references_could_not_quote_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="CAP's sender must not"):
        identity(uuid4(), bad)
    with pytest.raises(ValueError, match="CAP's identifier must not"):
        build(an_event(identifier=bad), PORTLAND)
    with pytest.raises(ValueError, match="CAP's sender must not"):
        build(an_event(sender=bad), PORTLAND)
    with pytest.raises(ValueError, match="CAP's identifier must not"):
        triple(a_reference(identifier=bad), PORTLAND)


def test_an_identity_is_a_uuid_and_the_senders_address() -> None:
    unique = uuid4()
    assert identity(unique, "alerts@example.gov") == (str(unique), "alerts@example.gov")


def test_two_renders_and_another_process_give_the_same_bytes() -> None:
    here = build(an_event(), PORTLAND)
    assert build(an_event(), PORTLAND) == here
    digest = hashlib.sha256(here).hexdigest()
    others = [
        subprocess.Popen(
            [sys.executable, "-c", RENDER],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    assert [other.communicate(timeout=120)[0].strip() for other in others] == [digest, digest]

"""A video in American Sign Language beside an alert: which addresses are accepted, and where residents and machines find it."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.alerts import asl, followup
from notify.alerts.alert import Mode, from_json
from notify.alerts.assembly import Assembly
from notify.alerts.digest import digest
from notify.clock import ManualClock
from notify.db import Database
from notify.publishing import cap, cap_check
from notify.publishing.cap_document import children, read, text
from tests.notify.newsroom_factory import Room, a_draft

HOSTS = ("video.example.gov", "signs.example.org")
VIDEO = "https://video.example.gov/asl/boil-water"
ZONE = ZoneInfo("America/Los_Angeles")


def test_no_video_is_nothing_wrong() -> None:
    assert list(asl.problems("", ())) == []


@pytest.mark.parametrize("url", [VIDEO, "https://signs.example.org/w/7?lang=ase", "https://video.example.gov:443/a.mp4"])
def test_an_address_on_a_host_of_the_city_is_accepted(url: str) -> None:
    assert list(asl.problems(url, HOSTS)) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://video.example.gov/asl", "begin with https"),
        ("javascript:alert(1)", "begin with https"),
        ("https://video.example.gov.evil.example/asl", "the host must be one of"),
        ("https://video.example.gov@evil.example/asl", "no name, password or port"),
        ("https://video.example.gov:8443/asl", "no name, password or port"),
        ("https://evil.example\\@video.example.gov/asl", "a letter that stands in none"),
        ("https://video.example.gov/a b", "a letter that stands in none"),
        ("https://vídeo.example.gov/a", "a letter that stands in none"),
        ("https://[video.example.gov/a", "not an address"),
        ("https://video.example.gov:x/a", "not an address"),
        ("https://video.example.gov/", "front page"),
        (f"https://video.example.gov/{'a' * 300}", "more than 300 letters"),
    ],
)
def test_any_other_address_is_refused_with_the_reason(url: str, said: str) -> None:
    assert any(said in sentence for sentence in asl.problems(url, HOSTS)), list(asl.problems(url, HOSTS))


def test_without_hosts_in_the_city_pack_there_is_no_video() -> None:
    assert "city.toml" in next(asl.problems(VIDEO, ()))


@given(st.text(max_size=80))
def test_whatever_is_typed_is_judged_and_what_passes_leads_to_a_host_of_the_city(typed: str) -> None:
    if typed and not list(asl.problems(typed, HOSTS)):
        assert typed.startswith(("https://video.example.gov", "https://signs.example.org", "HTTPS://"))


@given(st.text(alphabet="abc/:@.?#[]\\ ", max_size=30))
def test_nothing_behind_the_scheme_leads_elsewhere(rest: str) -> None:
    if not list(asl.problems(f"https://{rest}", HOSTS)):
        assert rest.split("/")[0].split(":")[0] in HOSTS


def test_every_problem_is_said_at_once() -> None:
    assert len(list(asl.problems("http://nobody:x@evil.example:81/", HOSTS))) == 4


def test_a_follow_up_never_takes_the_video_over_because_it_signs_other_words() -> None:
    earlier = a_draft(asl_video=VIDEO)
    assert followup.draft("update", earlier, "K7Q2X", {}).asl_video == ""
    assert followup.draft("update", earlier, "K7Q2X", {"asl_video": VIDEO}).asl_video == VIDEO


def test_the_alert_leads_to_it_in_cap_in_mails_and_the_digest_binds_it(store: Database, clock: ManualClock) -> None:
    room = Room.on(store, clock, mode=Mode.LIVE)
    row = room.event(room.left(a_draft(asl_video=VIDEO)))
    event = from_json(row.content)
    assert event.asl_video == VIDEO
    for info in children(read(row.cap), "info"):
        (resource,) = children(info, "resource")
        assert (text(resource, "mimeType"), text(resource, "uri")) == ("text/html", VIDEO)
    for profile in ("cap", "google"):
        assert [one for one in cap_check.problems(row.cap, profile) if not one.advice] == []  # type: ignore[arg-type]
    for key, content in event.contents.items():
        if key.startswith("email/first/"):
            assert VIDEO in content.body and f'href="{VIDEO}"' in (content.html or "")
        elif key.startswith("sms/"):
            assert "video" not in content.body
    assert digest(replace(event, asl_video="https://video.example.gov/other")) != event.digest
    assert digest(event) == event.digest


def test_a_file_is_named_as_what_it_is() -> None:
    assert asl.media_type("https://video.example.gov/a.MP4?x=1") == "video/mp4"
    assert asl.media_type(VIDEO) == "text/html"


def test_what_was_approved_before_there_were_videos_still_is(store: Database, clock: ManualClock) -> None:
    """Nothing is added to the digest, to CAP or to a mail of an alert without one."""
    room = Room.on(store, clock, mode=Mode.LIVE)
    row = room.event(room.left(a_draft()))
    assert b"<resource>" not in row.cap
    assert "asl" not in str(sorted(from_json(row.content).contents["email/first/en"].body.split())).lower()
    assert cap.build(from_json(row.content), ZONE)


def test_a_video_elsewhere_keeps_the_alert_from_being_submitted(store: Database, clock: ManualClock) -> None:
    room = Room.on(store, clock, mode=Mode.LIVE)
    assembly = room.newsroom.assembler
    assert isinstance(assembly, Assembly)
    wrong = a_draft(asl_video="https://evil.example/asl")
    found = store.read_now(lambda conn: assembly.problems(conn, wrong, None, clock.now()))
    assert found == ["asl_video: the host must be one of video.example.gov, not 'evil.example'."]

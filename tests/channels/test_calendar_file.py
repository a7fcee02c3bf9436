"""Calendars by RFC 5545, read back by a reader that knows the standard and not our writer."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from channels.calendar_file import Planned, calendar

BEGINS = datetime(2026, 12, 2, 19, 0, tzinfo=UTC)
Property = tuple[str, str]


def planned(**changes: object) -> Planned:
    given: dict[str, object] = {
        "uid": "tag:alerts.example.gov,2026:planned/test-2026-12",
        "title": "Monthly test",
        "says": "",
        "place": "",
        "begins_at": BEGINS,
        "ends_at": BEGINS + timedelta(minutes=15),
        "changed_at": BEGINS - timedelta(days=30),
    }
    return Planned(**(given | changes))  # type: ignore[arg-type]


def read(body: bytes) -> list[list[Property]]:
    """The events of a calendar. Fails on anything the standard does not allow."""
    assert body.endswith(b"\r\n")
    raw = body.split(b"\r\n")[:-1]
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in raw), "3.1: 75 octets, CRLF alone"
    for line in raw:
        line.decode("utf-8")  # no letter is cut in two
    unfolded: list[str] = []
    for line in raw:
        if line[:1] in (b" ", b"\t"):
            unfolded[-1] += line[1:].decode()
        else:
            unfolded.append(line.decode())
    assert unfolded[0] == "BEGIN:VCALENDAR" and unfolded[-1] == "END:VCALENDAR" and "VERSION:2.0" in unfolded
    events: list[list[Property]] = []
    inside = False
    for line in unfolded[1:-1]:
        name, colon, value = line.partition(":")
        assert colon and name.replace("-", "").isalnum()
        if line in ("BEGIN:VEVENT", "END:VEVENT"):
            inside = line == "BEGIN:VEVENT"
            events += [[]] if inside else []
        elif inside:
            events[-1].append((name, value if name in ("URL",) else unescaped(value)))
    return events


def unescaped(value: str) -> str:
    said, letters = "", iter(value)
    for letter in letters:
        if letter == "\\":
            following = next(letters)
            assert following in "\\;,nN", f"3.3.11 knows no \\{following}"
            said += "\n" if following in "nN" else following
        else:
            assert letter not in ";,", "3.3.11: these are escaped in a text"
            said += letter
    return said


def test_a_planned_test_is_what_a_calendar_shows() -> None:
    told = planned(
        says="One text, TEST ONLY; nothing\nhas to be done\\.", place="Citywide, all ZIPs", url="https://a.example.gov/real"
    )
    (event,) = read(calendar("Planned by the City of Portland", [told]))
    said = dict(event)
    assert said["DTSTART"], said["DTEND"] == ("20261202T190000Z", "20261202T191500Z")
    assert said["DTSTAMP"] == "20261102T190000Z"
    assert said["DESCRIPTION"] == "One text, TEST ONLY; nothing\nhas to be done\\."
    assert said["LOCATION"] == "Citywide, all ZIPs" and said["URL"] == "https://a.example.gov/real"
    assert said["STATUS"] == "CONFIRMED" and said["UID"] == told.uid
    assert dict(read(calendar("x", [planned(cancelled=True)]))[0])["STATUS"] == "CANCELLED"


def test_a_calendar_without_events_is_one() -> None:
    assert read(calendar("Nothing planned", [])) == []


@given(st.text(max_size=300), st.text(min_size=1, max_size=120))
def test_any_words_come_back_as_they_were_written(says: str, title: str) -> None:
    told = planned(says=says.encode("utf-8", "replace").decode(), title=title.encode("utf-8", "replace").decode())
    (event,) = read(calendar("x", [told]))
    seen = "".join(
        letter for letter in told.says.replace("\r\n", "\n").replace("\r", "\n") if letter in "\t\n" or letter >= " "
    )
    assert dict(event).get("DESCRIPTION", "") == seen.replace("\x7f", "")
    assert len(event) in (8, 9) and [name for name, _ in event].count("SUMMARY") == 1, "no words make a property of their own"

"""Days that are not like others: the hour that comes twice, the hour that never comes, and the day of a leap year."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from notify.alerts import period
from notify.alerts.alert import Stage
from notify.alerts.hazards import catalogue
from notify.clock import ManualClock
from notify.console.draft_form import _moment
from notify.db import Database
from notify.sending import night
from notify.staff import accounts, passwords, people
from subscribers.sealing import Keyring
from tests.notify.newsroom_factory import a_draft

ZONE = ZoneInfo("America/Los_Angeles")
HOUR = timedelta(hours=1)
TWICE = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)  # 1:00 in summer time; an hour later it is 1:00 again
NEVER = datetime(2026, 3, 8, 9, 0, tzinfo=UTC)  # 1:00; an hour later it is 3:00
LEAP = datetime(2028, 2, 29, 8, 0, tzinfo=UTC)  # midnight in the city


@pytest.mark.parametrize(("start", "hours"), [(TWICE, 7), (NEVER, 5), (LEAP - HOUR, 8)])
def test_a_night_lasts_until_seven_by_the_clocks_of_the_city(start: datetime, hours: int) -> None:
    """hours: from the start to seven o'clock."""
    for passed in range(hours):
        now = start + passed * HOUR
        assert night.is_night(now, ZONE)
        assert night.morning(now, ZONE).astimezone(UTC) == start + hours * HOUR
    assert not night.is_night(start + hours * HOUR, ZONE)


def test_the_hour_that_comes_twice_is_typed_as_its_first_and_an_hour_that_never_comes_is_refused() -> None:
    assert _moment("2026-11-01T01:30", ZONE) == "2026-11-01T01:30:00-07:00"
    with pytest.raises(ValueError, match="does not exist: clocks are put forward then"):
        _moment("2026-03-08T02:30", ZONE)
    assert _moment("2028-02-29T12:00", ZONE) == "2028-02-29T12:00:00-08:00"


@pytest.mark.parametrize("now", [TWICE - HOUR, NEVER - HOUR, LEAP - HOUR])
def test_an_alert_lasts_as_long_as_its_hazard_says_in_real_hours(now: datetime) -> None:
    hazard = catalogue()["boil_water"]
    typed = datetime.fromisoformat(_moment(f"{now.astimezone(ZONE):%Y-%m-%dT%H:%M}", ZONE) or "")
    assert typed == now
    assert period.expires(a_draft(stage=Stage.FIRST), hazard, typed) - now == hazard.expires


# Signing in while the clock is set.


@pytest.fixture
def ring() -> Keyring:
    return Keyring(current="k1", keys={"k1": bytes(32)}, blind_key=bytes(31) + b"1")


@pytest.fixture
def seed(db: Database, clock: ManualClock, ring: Keyring) -> bytes:
    """Of the approver's codes."""
    seed = passwords.new_seed()

    def enrol(conn: object) -> None:
        people.add(conn, "approver", ["approver"], {}, clock.now())  # type: ignore[arg-type]
        token = accounts.invite(conn, "approver", "test", clock.now())  # type: ignore[arg-type]
        accounts.enrol(conn, token, "hashed", seed, ring, 0, clock.now())  # type: ignore[arg-type]

    db.write_now(enrol)
    return seed


@pytest.mark.parametrize("by", [-HOUR, HOUR])
def test_a_code_is_taken_once_though_its_hour_comes_twice(
    db: Database, clock: ManualClock, ring: Keyring, seed: bytes, by: timedelta
) -> None:
    def tried(code: str) -> bool:
        return db.write_now(lambda conn: accounts.attempt(conn, "approver", True, code, ring, clock.now()))

    code = passwords.code_at(seed, clock.now())
    assert tried(code)
    clock.set(by)
    assert not tried(code)
    clock.set(-by)
    assert not tried(code), "the clock is right again, and the code is used"
    clock.forward(timedelta(seconds=passwords.STEP_S))
    assert tried(passwords.code_at(seed, clock.now())), "the next one is as good as ever"


def test_a_session_outlives_a_clock_set_back_and_ends_when_the_time_has_passed(
    db: Database, clock: ManualClock, seed: bytes
) -> None:
    def visit() -> object:
        return db.read_now(lambda conn: accounts.visit(conn, token, clock.now()))

    token = db.write_now(lambda conn: accounts.sign_in(conn, "approver", "test", clock.now()))
    clock.set(-HOUR)
    assert visit() is not None, "nobody is thrown out in the middle of an alert"
    clock.set(HOUR)
    assert visit() is not None
    clock.set(13 * HOUR)
    assert visit() is None

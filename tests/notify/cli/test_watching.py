"""What a terminal says of an alert that leaves, and of one that does not."""

import io
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from notify.cli import watching
from notify.cli.watching import NO_TROUBLE, Stillness, watch


def a_reply(waiting: int, status: str = "sending") -> dict[str, Any]:
    counts = {"total": 9, "planned": waiting, "claimed": 0, "failed": 0}
    return {"status": status, "progress": {"channels": {"sms": counts | {"languages": {"en": counts}}}}}


class Told:
    """Answers as told, one after the other."""

    def __init__(self, *replies: dict[str, Any], problems: tuple[str, ...] = (), is_open: bool = True) -> None:
        self.replies = list(replies)
        self.lights = {"problems": problems, "senders": [{"name": "+15035550100", "open": is_open, "trouble": ""}]}

    def get(self, path: str, /) -> Any:
        return self.lights if path == "/status" else self.replies.pop(0)


def shown(client: Told, still_s: float) -> str:
    page = io.StringIO()
    assert (
        watch(client, "K7Q2X-1", on=Console(file=page, force_terminal=True, width=200), still_s=still_s)["status"] == "active"
    )
    return page.getvalue()


def test_when_nothing_leaves_it_says_so_with_the_troubles_that_the_service_names(monkeypatch: Any) -> None:
    monkeypatch.setattr(watching, "LOOK_S", 0.0)
    stuck = [a_reply(5), a_reply(5), a_reply(0, "active")]
    said = shown(Told(*stuck, problems=("sms-1: the account is suspended.",)), still_s=0.0)
    assert "Nothing has left for" in said and "sms-1: the account is suspended." in said and NO_TROUBLE not in said
    assert "+15035550100: carries nothing now" in shown(Told(*stuck, is_open=False), still_s=0.0)
    assert NO_TROUBLE[:40] in shown(Told(*stuck), still_s=0.0)


def test_while_texts_leave_it_shows_bars_alone(monkeypatch: Any) -> None:
    monkeypatch.setattr(watching, "LOOK_S", 0.0)
    said = shown(Told(a_reply(5), a_reply(4), a_reply(0, "active")), still_s=60.0)
    assert "Nothing has left" not in said and "9/9" in said


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0.1, 60.0)), min_size=1))
def test_nothing_has_left_for_as_long_as_the_same_number_waits(looks: list[tuple[int, float]]) -> None:
    still, now = Stillness(0.0), 0.0
    begun, before = 0.0, None
    for waiting, seconds in looks:
        now += seconds
        if waiting != before or not waiting:
            begun, before = now, waiting
        assert still.lasts(a_reply(waiting), now) == now - begun


def test_before_anything_is_planned_nothing_is_waited_for() -> None:
    still = Stillness(0.0)
    assert [still.lasts({"status": "countdown"}, second) for second in (1.0, 50.0)] == [0.0, 0.0]

"""How a service process is set up before anything of it runs."""

import sys
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from notify.cli import serve


@pytest.fixture
def usual_turn() -> Iterator[float]:
    """How long Python lets a thread run while others wait; put back afterwards."""
    usual = sys.getswitchinterval()
    yield usual
    sys.setswitchinterval(usual)


@pytest.mark.parametrize("role", ["serve", "web", "sender"])
def test_no_thread_of_a_service_keeps_the_others_waiting_for_long(
    monkeypatch: pytest.MonkeyPatch, usual_turn: float, role: str
) -> None:
    turns: list[float] = []

    def run(main: Coroutine[Any, Any, None]) -> None:
        turns.append(sys.getswitchinterval())
        main.close()

    monkeypatch.setattr(serve.uvloop, "run", run)
    monkeypatch.setattr(serve, "configure", lambda level: None)
    monkeypatch.setattr(serve.memory, "give_back_what_is_freed", lambda: None)
    getattr(serve, role)()
    assert turns == [pytest.approx(serve.TURN_S)] and turns[0] < usual_turn

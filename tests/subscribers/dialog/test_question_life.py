"""How long an open question lives, to the second. (Transcripts are played on a service, too, whose clock goes on.)"""

from datetime import UTC, datetime, timedelta

import pytest

from subscribers.dialog.scene import alive
from subscribers.dialog.turn import Asked, Question

ASKED_AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("asked", "minutes"), [(Asked.DELETE, 10), (Asked.CONFIRM, 30), (Asked.PICK, 30), (Asked.LABEL, 30)])
def test_a_question_lives_so_many_minutes_and_not_a_second_more(asked: Asked, minutes: int) -> None:
    question, over = Question(asked=asked, at=ASKED_AT), ASKED_AT + timedelta(minutes=minutes)
    assert alive(question, over) is question
    assert alive(question, over + timedelta(seconds=1)) is None

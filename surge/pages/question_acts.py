"""Answers for all desks: approved, settled and withdrawn, by pages and by the API alike."""

from typing import Final

from sqlalchemy import Connection

from notify import audit
from notify.alerts.broadcast import Unfit
from notify.audit import Act
from notify.web.answers import Problem
from surge.desk import question_rows
from surge.desk.faq import Status, Unanswerable
from surge.desk.question_rows import Answer
from surge.pages.acts import Verb
from surge.pages.office import Room

SETTLES: Final = {"drop": Status.DROPPED, "merge": Status.MERGED}


class QuestionActs:
    def __init__(self, room: Room) -> None:
        self._room = room

    def approve(self, person_id: str, answer: Answer, question_id: str) -> Verb[str]:
        """An answer for all desks: to a question that waits, in one more language, or in the place of an earlier answer. The
        verb returns its id; it raises Unfit, and Problem (404) where the earlier one is not there."""
        now = self._room.now

        def approved(conn: Connection) -> str:
            try:
                faq_id = question_rows.approve(conn, answer, person_id, now)
            except Unanswerable as error:
                raise Unfit(error.problems) from None
            except LookupError as error:
                raise Problem(404, "There is no such answer.", [str(error)]) from None
            if question_id:
                question_rows.settle(conn, question_id, Status.ANSWERED, person_id, now, faq_id)
            detail = {"language": answer.language, "question": question_id}
            audit.append(conn, Act(actor=person_id, action="approved an answer", subject=faq_id, detail=detail), now)
            return faq_id

        return approved

    def settle(self, person_id: str, question_id: str, deed: str, faq_id: str | None) -> Verb[None]:
        """drop: nothing to answer. merge: an answer that stands already is the answer."""
        now = self._room.now

        def settled(conn: Connection) -> None:
            if not question_rows.settle(conn, question_id, SETTLES[deed], person_id, now, faq_id):
                raise Problem(404, "This question is settled already.", ["Somebody else was first, or it never was."])

        return settled

    def withdraw(self, person_id: str, faq_id: str) -> Verb[None]:
        now = self._room.now

        def withdrawn(conn: Connection) -> None:
            try:
                question_rows.withdraw(conn, faq_id, person_id, now)
            except LookupError as error:
                raise Problem(404, "There is no such answer.", [str(error)]) from None
            audit.append(conn, Act(actor=person_id, action="withdrew an answer", subject=faq_id, detail={}), now)

        return withdrawn

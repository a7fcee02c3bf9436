"""What administrators do with webhooks. One transaction each; a new address takes two of them, because alerts leave there."""

import hmac
import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, update
from sqlmodel import col
from yarl import URL

from notify import audit
from notify.alerts.broadcast import NotAllowed
from notify.alerts.life import Staff
from notify.alerts.register import Conflict
from notify.audit import Act
from notify.clock import Clock
from notify.partners import address, signature, webhook, webhook_rows
from notify.partners.address import Rules
from notify.partners.poster import SEALED_AS
from notify.partners.webhook import Kind, Shape, Standing, State, Wanted
from notify.partners.webhook_tables import Posting, Webhook
from subscribers.sealing import Keyring

MOST: Final = 200  # webhooks at once
MOST_REPLAYED: Final = 1000
CODE_DIGITS: Final = 8


class NoSuchWebhook(Exception):
    """There is no webhook of this name."""


class BadWebhook(Exception):
    """It cannot be so; `problems` holds every reason, a sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """The verbs, with what they need. rules: where requests may go. hazards: keys of the catalogue."""

    clock: Clock
    ring: Keyring
    rules: Rules
    hazards: Collection[str]

    def ask(self, conn: Connection, admin: Staff, wanted: Wanted) -> Webhook:
        """Notes that one administrator wants it; nothing leaves until another agrees. Raises BadWebhook with every problem."""
        there = webhook_rows.webhooks(conn)
        problems = webhook.problems(wanted, self.hazards, [row.webhook_id for row in there])
        problems += address.problems(wanted.url, self.rules)
        if sum(row.state not in (State.ENDED, State.REFUSED) for row in there) >= MOST:
            problems.append(f"There are {MOST} webhooks already; end one first.")
        if problems:
            raise BadWebhook(problems)
        sealed = self.ring.seal(SEALED_AS, json.dumps({"url": wanted.url, "secret": signature.new_secret()}))
        row = Webhook(
            webhook_id=wanted.webhook_id,
            shape=wanted.shape.value,
            origin=str(URL(wanted.url).origin()),
            sealed=sealed.data,
            key_id=sealed.key_id,
            hazards=json.dumps(list(wanted.hazards)),
            least=wanted.least.value,
            realities=",".join(sorted(wanted.realities)),
            state=State.ASKED.value,
            code="".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS)),
            asked_by=admin.person_id,
            asked_at=self.clock.now(),
        )
        conn.execute(insert(Webhook).values(**row.model_dump()))
        self._log(conn, admin, "asked for a webhook", row.webhook_id, origin=row.origin, shape=row.shape)
        return row

    def agree(self, conn: Connection, admin: Staff, webhook_id: str) -> str:
        """Another administrator's yes: returns the secret, which is shown this once, and plans the challenge."""
        row = self._answered(conn, admin, webhook_id)
        self._answer(conn, admin, row, State.UNCONFIRMED)
        self._log(conn, admin, "gave a webhook", webhook_id)
        webhook_rows.add(conn, webhook_id, Kind.CHALLENGE, self.clock.now())
        return str(json.loads(self.ring.open(SEALED_AS, row.key_id, row.sealed))["secret"])

    def refuse(self, conn: Connection, admin: Staff, webhook_id: str) -> None:
        self._answer(conn, admin, self._answered(conn, admin, webhook_id), State.REFUSED)
        self._log(conn, admin, "refused a webhook", webhook_id)

    def confirm(self, conn: Connection, admin: Staff, webhook_id: str, code: str) -> None:
        """For Slack and Teams: the code that came there. Raises BadWebhook when it is another."""
        row = _in(conn, webhook_id, State.UNCONFIRMED)
        if row.shape == Shape.JSON:
            raise Conflict(f"{webhook_id} confirms itself, by answering its first message with the challenge.")
        if not hmac.compare_digest(code.strip().encode(), row.code.encode()):
            raise BadWebhook(["This is not the code that was sent there."])
        _set(conn, webhook_id, state=State.ACTIVE.value, confirmed_at=self.clock.now())
        self._log(conn, admin, "confirmed a webhook", webhook_id)

    def test(self, conn: Connection, admin: Staff, webhook_id: str) -> int:
        """Plans a test; returns its number."""
        _in(conn, webhook_id, State.ACTIVE)
        self._log(conn, admin, "tested a webhook", webhook_id)
        return webhook_rows.add(conn, webhook_id, Kind.TEST, self.clock.now())

    def resume(self, conn: Connection, admin: Staff, webhook_id: str) -> None:
        """A webhook that was suspended goes on with what it missed; one whose challenge fails is tried again at once."""
        row = _in(conn, webhook_id, State.SUSPENDED, State.UNCONFIRMED)
        state = State.ACTIVE if row.confirmed_at is not None else State.UNCONFIRMED
        _set(conn, webhook_id, state=state.value, why="", failures=0, failing_since=None, told_at=None, try_at=None)
        self._log(conn, admin, "resumed a webhook", webhook_id)

    def end(self, conn: Connection, admin: Staff, webhook_id: str) -> None:
        """Nothing more is posted there. Final."""
        _in(conn, webhook_id, State.UNCONFIRMED, State.ACTIVE, State.SUSPENDED)
        now = self.clock.now()
        _set(conn, webhook_id, state=State.ENDED.value, why=f"ended by {admin.person_id}", fence=col(Webhook.fence) + 1)
        webhook_rows.drop_waiting(conn, webhook_id, now)
        self._log(conn, admin, "ended a webhook", webhook_id)

    def replay(self, conn: Connection, admin: Staff, webhook_id: str, first: int) -> int:
        """Posts everything from a number on once more, in order, with the same ids and bodies, before anything newer; returns
        how many. Raises BadWebhook for more than MOST_REPLAYED."""
        _in(conn, webhook_id, State.ACTIVE, State.SUSPENDED)
        again = update(Posting).where(
            col(Posting.webhook_id) == webhook_id, col(Posting.seq) >= first, col(Posting.standing) != Standing.WAITING.value
        )
        again = again.where(col(Posting.kind) != Kind.CHALLENGE.value)
        count = conn.execute(again.values(standing=Standing.WAITING.value, done_at=None, attempts=0)).rowcount
        if count > MOST_REPLAYED:
            raise BadWebhook([f"{count} messages are more than the {MOST_REPLAYED} that can be replayed at once: begin later."])
        _set(conn, webhook_id, try_at=None)
        self._log(conn, admin, "replayed a webhook", webhook_id, first=first, count=count)
        return count

    def _answered(self, conn: Connection, admin: Staff, webhook_id: str) -> Webhook:
        row = _in(conn, webhook_id, State.ASKED)
        if row.asked_by == admin.person_id:
            raise NotAllowed(["You asked for this; another administrator must answer it."])
        return row

    def _answer(self, conn: Connection, admin: Staff, row: Webhook, state: State) -> None:
        _set(conn, row.webhook_id, state=state.value, answered_by=admin.person_id, answered_at=self.clock.now())

    def _log(self, conn: Connection, admin: Staff, action: str, subject: str, **detail: Any) -> None:
        audit.append(conn, Act(actor=admin.person_id, action=action, subject=subject, detail=detail), self.clock.now())


def found(conn: Connection, webhook_id: str, *, lock: bool = False) -> Webhook:
    """Raises NoSuchWebhook."""
    row = webhook_rows.webhook(conn, webhook_id, lock=lock)
    if row is None:
        raise NoSuchWebhook(f"There is no webhook {webhook_id}.")
    return row


def secret_of(conn: Connection, ring: Keyring, webhook_id: str) -> str | None:
    """What a webhook that is or was in use signs with; None where there is none."""
    row = webhook_rows.webhook(conn, webhook_id)
    if row is None or row.state not in (State.ACTIVE, State.SUSPENDED):
        return None
    return str(json.loads(ring.open(SEALED_AS, row.key_id, row.sealed))["secret"])


def _in(conn: Connection, webhook_id: str, *states: State) -> Webhook:
    row = found(conn, webhook_id, lock=True)
    if row.state not in states:
        raise Conflict(f"{webhook_id} is {row.state}.")
    return row


def _set(conn: Connection, webhook_id: str, **values: Any) -> None:
    conn.execute(update(Webhook).where(col(Webhook.webhook_id) == webhook_id).values(**values))

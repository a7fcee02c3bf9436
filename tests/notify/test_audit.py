"""The log of who did what cannot be changed in the dark: every line altered, dropped, moved or slipped in is named."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify import audit
from notify.audit import GENESIS, Act, line_hash
from notify.db import Database
from notify.tables import AuditLine

AT = datetime(2014, 5, 23, 15, 15, tzinfo=UTC)
WORDS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)
FIELDS = ("at", "actor", "action", "subject", "detail", "hash")


@st.composite
def chains(draw: st.DrawFn, least: int = 1) -> list[AuditLine]:
    lines, previous = [], GENESIS
    for seq, fields in enumerate(draw(st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS), min_size=least, max_size=8)), 1):
        at = (AT + timedelta(seconds=seq)).isoformat()
        previous = line_hash(previous, seq, at, fields)
        actor, action, subject, detail = fields
        lines.append(AuditLine(seq=seq, at=at, actor=actor, action=action, subject=subject, detail=detail, hash=previous))
    return lines


def copies(lines: list[AuditLine]) -> list[AuditLine]:
    return [AuditLine(**line.model_dump()) for line in lines]


@given(chains())
def test_a_chain_nobody_touched_holds(lines: list[AuditLine]) -> None:
    assert audit.problems(lines) == []
    for line in lines:
        assert audit.problems(lines, line.hash) == [], "a head written down at any time stands in the chain"


@given(chains(), st.data())
def test_a_changed_field_is_named(lines: list[AuditLine], data: st.DataObject) -> None:
    line = data.draw(st.sampled_from(lines))
    name = data.draw(st.sampled_from(FIELDS))
    new = data.draw(WORDS.filter(lambda text: text != getattr(line, name)))
    changed = copies(lines)
    setattr(changed[line.seq - 1], name, new)
    (problem,) = audit.problems(changed)
    assert f"Line {line.seq} (" in problem or f"Line {line.seq + 1} (" in problem


@given(chains(), st.data())
def test_a_letter_moved_from_one_field_to_the_next_is_named(lines: list[AuditLine], data: st.DataObject) -> None:
    line = data.draw(st.sampled_from(lines))
    changed = copies(lines)
    target = changed[line.seq - 1]
    if target.actor:
        target.actor, target.action = target.actor[:-1], target.actor[-1] + target.action
        assert audit.problems(changed) != []


@given(chains(least=2), st.data())
def test_a_dropped_line_is_named(lines: list[AuditLine], data: st.DataObject) -> None:
    seq = data.draw(st.integers(1, len(lines) - 1))
    (problem,) = audit.problems([line for line in lines if line.seq != seq])
    assert problem.startswith(f"Line {seq} is missing")


@given(chains(), st.data())
def test_a_dropped_line_is_named_even_when_the_rest_is_numbered_anew(lines: list[AuditLine], data: st.DataObject) -> None:
    seq = data.draw(st.integers(1, len(lines)))
    rest = [line for line in copies(lines) if line.seq != seq]
    for number, line in enumerate(rest, 1):
        line.seq = number
    if seq < len(lines):
        assert audit.problems(rest) != []
    else:
        assert audit.problems(rest, lines[-1].hash) != [], "a shortened log is seen by a head kept elsewhere"


@given(chains(), chains(), st.data())
def test_a_line_slipped_in_is_named(lines: list[AuditLine], others: list[AuditLine], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lines)))
    forged = AuditLine(**(others[0].model_dump() | {"seq": place + 1}))
    rest = copies(lines[place:])
    for line in rest:
        line.seq += 1
    whole = [*copies(lines[:place]), forged, *rest]
    if place == len(lines) and forged.hash == line_hash(
        lines[-1].hash, forged.seq, forged.at, (forged.actor, forged.action, forged.subject, forged.detail)
    ):
        return
    found = audit.problems(whole, lines[-1].hash)
    assert found != [] or whole[0].hash == lines[0].hash


@given(chains(least=2), st.data())
def test_two_lines_that_changed_places_are_named(lines: list[AuditLine], data: st.DataObject) -> None:
    one = data.draw(st.integers(0, len(lines) - 2))
    changed = copies(lines)
    changed[one], changed[one + 1] = changed[one + 1], changed[one]
    assert audit.problems(changed) != []
    changed[one].seq, changed[one + 1].seq = one + 1, one + 2
    assert audit.problems(changed) != []


@given(chains(least=2), st.data())
def test_a_shortened_log_is_seen_by_the_head_kept_elsewhere(lines: list[AuditLine], data: st.DataObject) -> None:
    left = lines[: data.draw(st.integers(0, len(lines) - 1))]
    assert audit.problems(left) == [], "by itself a shortened log looks whole: that is what the head is for"
    (problem,) = audit.problems(left, lines[-1].hash)
    assert "lines were removed" in problem


EDITS = 500


def tampered(lines: list[AuditLine], rng: random.Random) -> tuple[str, list[AuditLine]]:
    """The log after one random edit by somebody who can write to the table but cannot run back time: the kind of edit, and
    what stands there then. An insider may know the hash's formula and may number lines anew."""
    log, place = copies(lines), rng.randrange(len(lines))
    kind = rng.choice(["change", "rehash", "delete", "delete and number anew", "swap", "insert", "double", "truncate"])
    line = log[place]
    if kind in ("change", "rehash"):
        name = rng.choice(["at", "actor", "action", "subject", "detail", "hash"] if kind == "change" else ["actor", "detail"])
        value = getattr(line, name)
        spot = rng.randrange(len(value) + 1)
        setattr(line, name, value[:spot] + rng.choice("0aZ {") + value[spot + rng.randrange(2) :])
        if getattr(line, name) == value:
            setattr(line, name, value + "!")
        if kind == "rehash":
            before = log[place - 1].hash if place else GENESIS
            line.hash = line_hash(before, line.seq, line.at, (line.actor, line.action, line.subject, line.detail))
    elif kind.startswith("delete"):
        del log[place]
    elif kind == "swap":
        other = rng.choice([number for number in range(len(log)) if number != place])
        log[place], log[other] = log[other], log[place]
    elif kind == "insert":
        log.insert(place, AuditLine(**(line.model_dump() | {"actor": f"{line.actor}-2"})))
    elif kind == "double":
        log.insert(place, AuditLine(**line.model_dump()))
    else:
        del log[place:]
    if kind in ("delete and number anew", "swap", "insert", "double") and rng.random() < 0.8:
        for number, one in enumerate(log, 1):
            one.seq = number
    return kind, log


def test_five_hundred_random_edits_are_each_found() -> None:
    rng = random.Random(500)
    lines: list[AuditLine] = []
    previous = GENESIS
    for seq in range(1, 41):
        at = (AT + timedelta(seconds=seq)).isoformat()
        actor, action = rng.choice(["author", "approver"]), rng.choice(["composed", "submitted", "approved", "stopped"])
        fields = (actor, action, f"K7Q2X-{seq}", f'{{"n": {seq}}}')
        previous = line_hash(previous, seq, at, fields)
        lines.append(AuditLine(seq=seq, at=at, actor=actor, action=action, subject=fields[2], detail=fields[3], hash=previous))
    assert audit.problems(lines, previous) == []
    kinds: Counter[str] = Counter()
    for number in range(EDITS):
        kind, log = tampered(lines, rng)
        kinds[kind] += 1
        assert audit.problems(log, previous), f"edit {number} ({kind}) was not found"
    assert len(kinds) == 8 and min(kinds.values()) > 30


def an_act(**fields: object) -> Act:
    values: dict[str, object] = {"actor": "author", "action": "composed", "subject": "K7Q2X-1", "detail": {"b": 1, "a": "ä"}}
    return Act(**(values | fields))  # type: ignore[arg-type]


def test_appending_at_once_never_forks_the_chain(db: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        heads = list(pool.map(lambda number: db.write_now(lambda conn: audit.append(conn, an_act(), AT)), range(40)))
    lines = db.read_now(audit.lines)
    assert len(set(heads)) == len(lines) == 40
    assert audit.problems(lines, db.read_now(audit.head)) == []


def test_an_act_that_is_undone_leaves_no_line(db: Database) -> None:
    def fail(conn: object) -> None:
        audit.append(conn, an_act(), AT)  # type: ignore[arg-type]
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        db.write_now(fail)
    assert db.read_now(audit.lines) == []
    assert db.read_now(audit.head) == GENESIS


def test_a_subject_has_its_own_lines_and_those_below_it(db: Database) -> None:
    for subject in ("K7Q2X", "K7Q2X-1", "K7Q2", "K7Q2Y-1"):
        db.write_now(lambda conn, subject=subject: audit.append(conn, an_act(subject=subject), AT))  # type: ignore[misc]
    found: Callable[[str], list[str]] = lambda subject: [  # noqa: E731
        line.subject for line in db.read_now(lambda conn: audit.lines(conn, subject))
    ]
    assert found("K7Q2X") == ["K7Q2X", "K7Q2X-1"]
    assert found("K7Q2X-1") == ["K7Q2X-1"]

"""Lists imported into a real database: complete, repeatable, and undisturbed by crashes."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, func, select

from subscribers import batch, contacts, history, importing, loading, store
from subscribers.importing import Progress, Totals, import_file, into, rehearsal
from subscribers.merging import Key, Kind, Note, Reach
from subscribers.place import Point, ZipArea
from subscribers.sheet import COLUMNS, BadFile
from tests.subscribers.factories import DOWNTOWN, NOON, a_keyring, a_person, said
from tests.subscribers.test_entry import RULES

HEADER = ",".join(COLUMNS)


def line(phone: str = "", email: str = "", language: str = "en", place: str = ",,,,", basis: str = "opt-in") -> str:
    """A row; place is label,lat,lon,zip,area."""
    return f"{phone},{email},{language},{place},{basis},2014-05-01,form 7"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 3)


def imported(engine: Engine, file: Path, *lines: str, dry: bool = False) -> tuple[Totals, list[Note]]:
    if lines:
        file.write_text("\n".join([HEADER, *lines]), "utf-8")
    steps: list[Progress] = []
    if dry:
        with rehearsal(engine.begin) as begin:
            totals = import_file(file, begin, RULES, a_keyring(), steps.append)
    else:
        totals = import_file(file, into(engine.begin), RULES, a_keyring(), steps.append)
    return totals, [note for step in steps for note in step.notes]


def everything(engine: Engine) -> dict[str, Sequence[Any]]:
    tables = (store.SUBSCRIBER, store.ADDRESS, store.PLACE, store.CONSENT, store.CHANGE)
    with engine.begin() as conn:
        return {table.name: conn.execute(select(table).order_by(*table.primary_key)).all() for table in tables}


def test_everything_in_a_row_is_kept(engine: Engine, file: Path) -> None:
    totals, notes = imported(engine, file, line("5035550101", "resident1@example.gov", "es", "home,45.5,-122.6,,"))
    assert notes == []
    assert totals == Totals(rows=1, subscribers=1, addresses=2, places=1)
    with engine.begin() as conn:
        found = store.find_address(conn, "sms", a_keyring().blind("sms", "+15035550101"))
        assert found is not None
        known = store.addresses_of(conn, found.subscriber_id)
        assert [address.opened(a_keyring()) for address in known] == ["+15035550101", "resident1@example.gov"]
        assert {(address.language, address.basis, address.stopped_at) for address in known} == {("es", "opt-in", None)}
        assert [place.spot for place in store.places_of(conn, found.subscriber_id)] == [Point(45.5, -122.6)]
        consents = conn.execute(select(store.CONSENT)).all()
        assert {(row.address_id, row.granted, row.basis, row.source, row.evidence) for row in consents} == {
            (address.address_id, True, "opt-in", "form 7", "import of people.csv, line 2") for address in known
        }
        assert {row.at.isoformat() for row in consents} == {"2014-05-01T07:00:00+00:00"}
        (person,) = conn.execute(select(store.SUBSCRIBER)).all()
        assert (person.created_at, person.source) == (NOON, "import of people.csv")


def many_lines() -> list[str]:
    return [
        line("5035550101", "resident1@example.gov", "es", "home,45.5,-122.6,,"),
        line("5035550102", place=",,,97214,"),
        line("5035550101", language="es", place="work,,,,Lents"),
        line(email="resident2@example.gov", place=",45.52,-122.65,,"),
        line("5035550103", basis="utility-account"),
        line("5035550104", basis="emergency", place=",45.52,-122.65,,"),
        line("5035550102", place="mom,,,,Lents"),
        line("5035550103", basis="opt-in"),
    ]


def test_importing_the_same_file_twice_changes_nothing(engine: Engine, file: Path) -> None:
    totals, notes = imported(engine, file, *many_lines())
    assert notes == []
    assert totals == Totals(rows=8, subscribers=5, addresses=6, places=6, upgrades=1)
    before = everything(engine)
    again, notes = imported(engine, file)
    assert everything(engine) == before
    assert again == Totals(rows=8, duplicates=8)
    assert [(note.line, note.kind) for note in notes] == [(number, Kind.DUPLICATE) for number in range(2, 10)]


def test_a_crash_half_way_is_finished_by_importing_again(engine: Engine, file: Path) -> None:
    file.write_text("\n".join([HEADER, *many_lines()]), "utf-8")
    batches = 0

    @contextmanager
    def crashing() -> Iterator[Connection]:
        nonlocal batches
        batches += 1
        with engine.begin() as conn:
            yield conn
            if batches == 2:
                raise KeyboardInterrupt

    steps: list[Progress] = []
    with pytest.raises(KeyboardInterrupt):
        import_file(file, into(crashing), RULES, a_keyring(), steps.append)
    assert [step.lines_done for step in steps] == [4], "only what is on disk is reported"
    assert len(everything(engine)["subscriber"]) == 2
    totals, _ = imported(engine, file)
    assert totals == Totals(rows=8, duplicates=3, subscribers=3, addresses=3, places=3, upgrades=1)
    with engine.begin() as conn:
        assert conn.execute(select(func.count()).select_from(store.ADDRESS)).scalar() == 6


def test_bad_rows_are_named_with_their_line_and_the_rest_is_imported(engine: Engine, file: Path) -> None:
    totals, notes = imported(
        engine,
        file,
        line("5035550101"),
        line("311", language="xx"),
        line("5035550102", place="home,-122.6,45.5,,"),
        line("5035550101", language="es"),
        'broken "row',
        line("5035550103"),
    )
    assert [(note.line, note.kind) for note in notes] == [
        (3, Kind.PROBLEM),
        (3, Kind.PROBLEM),
        (4, Kind.PROBLEM),
        (5, Kind.PROBLEM),
        (6, Kind.PROBLEM),
    ]
    assert totals == Totals(rows=6, problems=4, subscribers=2, addresses=2)


def test_people_of_an_earlier_import_are_recognised(engine: Engine, file: Path) -> None:
    with engine.begin() as conn:
        person, phone = a_person(conn, "+15035550101", HOME=DOWNTOWN)
    totals, _ = imported(
        engine,
        file,
        line("5035550101", place="home,45.5152,-122.6784,,"),
        line("5035550101", "resident1@example.gov", place="work,,,97214,"),
        line("5035550101", language="vi"),
    )
    assert totals == Totals(rows=3, duplicates=1, problems=1, addresses=1, places=1)
    with engine.begin() as conn:
        assert [place.spot for place in store.places_of(conn, person)] == [DOWNTOWN, ZipArea("97214")]
        assert [known.channel for known in store.addresses_of(conn, person)] == ["sms", "email"]
        assert store.addresses(conn, [phone])[phone].language == "en"


def test_whoever_opted_out_stays_out(engine: Engine, file: Path) -> None:
    with engine.begin() as conn:
        _, phone = a_person(conn, "+15035550101", basis="utility-account")
        store.stop(conn, phone, said("text", "STOP"))
    totals, notes = imported(engine, file, line("5035550101", basis="opt-in"))
    assert totals == Totals(rows=1, stopped=1, duplicates=1)
    assert notes[0].kind is Kind.STOPPED
    with engine.begin() as conn:
        known = store.addresses(conn, [phone])[phone]
        assert (known.stopped_at, known.basis) == (NOON, "utility-account")


def erased(engine: Engine, *addresses: str) -> None:
    """As WRONG or DELETE leaves them: nobody has the address any more, only its keyed hash says not to use it."""
    with engine.begin() as conn:
        for address in addresses:
            channel = "email" if "@" in address else "sms"
            contact = contacts.meet(conn, channel, a_keyring().blind(channel, address), NOON)
            contacts.remember(conn, contact.contact_id, contact.memory, NOON, erased_at=NOON)


@pytest.mark.parametrize("dry", [False, True])
def test_whoever_was_erased_is_refused_with_line_and_reason(engine: Engine, file: Path, dry: bool) -> None:
    erased(engine, "+15035550101", "resident2@example.gov")
    with engine.begin() as conn:
        contacts.meet(conn, "sms", a_keyring().blind("sms", "+15035550103"), NOON)  # wrote once, and was not erased
    totals, notes = imported(
        engine,
        file,
        line("5035550101", "resident1@example.gov", place="home,45.5,-122.6,,"),
        line("5035550102", "Resident2@example.gov", basis="emergency"),
        line("5035550103"),
        line(email="resident1@example.gov"),
        line("5035550101"),
        dry=dry,
    )
    assert totals == Totals(rows=5, erased=3, subscribers=2, addresses=2)
    assert [(note.line, note.kind) for note in notes] == [(number, Kind.ERASED) for number in (2, 3, 6)]
    assert [note.reason.partition(" was erased")[0] for note in notes] == ["The phone", "The e-mail", "The phone"]
    if not dry:
        assert len(everything(engine)["address"]) == 2
        assert len(everything(engine)["place"]) == 0


def test_whoever_came_back_themselves_after_erasure_may_be_on_a_list_again(engine: Engine, file: Path) -> None:
    erased(engine, "+15035550101")
    with engine.begin() as conn:
        contact = contacts.meet(conn, "sms", a_keyring().blind("sms", "+15035550101"), NOON)
        contacts.remember(conn, contact.contact_id, contact.memory, NOON, erased_at=None)
        a_person(conn, "+15035550101")
    totals, _ = imported(engine, file, line("5035550101", place="home,45.5,-122.6,,"))
    assert totals == Totals(rows=1, places=1)


def test_an_erasure_while_the_batch_is_written_wins(engine: Engine, file: Path) -> None:
    """It becomes visible after the batch has looked: here within its own transaction, and again before the next try."""
    write = batch.write

    def overtaken(conn: Connection, *rest: Any) -> None:
        write(conn, *rest)
        patch.setattr(batch, "write", write)
        phone = a_keyring().blind("sms", "+15035550102")
        contact = contacts.meet(conn, "sms", phone, NOON)
        contacts.remember(conn, contact.contact_id, contact.memory, NOON, erased_at=NOON)

    @contextmanager
    def begin() -> Iterator[Connection]:
        try:
            with engine.begin() as conn:
                yield conn
        except importing.Overtaken:
            erased(engine, "+15035550102")
            raise

    file.write_text("\n".join([HEADER, line("5035550101"), line("5035550102")]), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "write", overtaken)
        totals = import_file(file, into(begin), RULES, a_keyring(), lambda _step: None)
    assert totals == Totals(rows=2, erased=1, subscribers=1, addresses=1)
    assert len(everything(engine)["address"]) == 1


def test_the_proof_of_a_consent_is_kept_whole(engine: Engine, file: Path) -> None:
    proof = '"I agree, text me",web-3'
    file.write_text(f"{HEADER},consent_words,consent_terms\n{line('5035550101')},{proof}\n", "utf-8")
    imported(engine, file)
    with engine.begin() as conn:
        held = history.of(conn, "sms", "+15035550101", a_keyring())
    assert held is not None
    (yes,) = held.entries
    assert (yes.at.isoformat(), yes.what) == ("2014-05-01T07:00:00+00:00", "said yes")
    assert yes.detail == 'opt-in: form 7, terms web-3; import of people.csv, line 2: "I agree, text me"'


def test_a_dry_run_says_what_would_happen_and_writes_nothing(engine: Engine, file: Path) -> None:
    with engine.begin() as conn:
        a_person(conn, "+15035550102", HOME=DOWNTOWN)
    before = everything(engine)
    lines = [*many_lines(), line("5035550101", language="es", place="home,45.5,-122.6,,"), line("311")]
    rehearsed = imported(engine, file, *lines, dry=True)
    assert everything(engine) == before
    assert imported(engine, file) == rehearsed


@pytest.mark.parametrize("seed", range(3))
def test_a_dry_run_of_any_list_foretells_the_import(engine: Engine, file: Path, seed: int) -> None:
    chance = random.Random(seed)
    places = [",,,,", "home,45.5,-122.6,,", "work,45.52,-122.65,,", ",45.53,-122.6,,", "mom,,,97214,", ",,,,Lents", "x,1,1,,"]
    lines = [
        line(
            phone=chance.choice(["", f"503555010{chance.randrange(5)}"]),
            email=chance.choice(["", "", f"resident{chance.randrange(4)}@example.gov"]),
            language=chance.choice(["en", "en", "en", "es"]),
            place=chance.choice(places),
            basis=chance.choice(["opt-in", "opt-in", "emergency"]),
        )
        for _ in range(40)
    ]
    rehearsed, foretold = imported(engine, file, *lines, dry=True)
    totals, notes = imported(engine, file)
    # A dry run does not remember that somebody on a list opted in further up; it may say so twice.
    assert replace(rehearsed, upgrades=0, duplicates=0) == replace(totals, upgrades=0, duplicates=0)
    assert [note for note in foretold if note.kind is Kind.PROBLEM] == [note for note in notes if note.kind is Kind.PROBLEM]
    again, _ = imported(engine, file)
    assert (again.subscribers, again.addresses, again.places, again.upgrades) == (0, 0, 0, 0)


def test_nothing_is_written_when_the_file_cannot_be_used(engine: Engine, file: Path) -> None:
    before = everything(engine)
    file.write_bytes(f"{HEADER}\n{line('5035550101')}\n{line('5035550102')}".encode() + "\nBüro".encode("latin-1"))
    with pytest.raises(BadFile, match="Line 4"):
        imported(engine, file)
    assert everything(engine) == before


def test_progress_is_told_after_every_batch(engine: Engine, file: Path) -> None:
    file.write_text("\n".join([HEADER, *many_lines()]), "utf-8")
    steps: list[Progress] = []
    import_file(file, into(engine.begin), RULES, a_keyring(), steps.append)
    assert [(step.lines_done, step.lines) for step in steps] == [(4, 9), (7, 9), (9, 9)]
    assert [step.totals.rows for step in steps] == [3, 6, 8]


def test_the_audience_index_follows_an_import(engine: Engine, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with engine.begin() as conn:
        audience = loading.load(conn)
    imported(engine, file, *many_lines()[:3])
    with engine.begin() as conn:
        audience = loading.caught_up(conn, audience)
    assert len(audience.index) == 3
    assert len(audience.index.changed) == 2, "a few are followed one by one"
    monkeypatch.setattr(batch, "FOLLOWED_ONE_BY_ONE", 1)
    imported(engine, file, *many_lines())
    with engine.begin() as conn:
        audience = loading.caught_up(conn, audience)
    assert len(audience.index) == 6
    assert len(audience.index.changed) == 0, "many are read anew"


def test_ids_given_in_bulk_and_one_by_one_never_meet(engine: Engine, file: Path) -> None:
    imported(engine, file, *many_lines())
    with engine.begin() as conn:
        person, phone = a_person(conn, "+15035550190")
    imported(engine, file, line("5035550191"), line("5035550192"))
    rows = everything(engine)
    assert len({row.subscriber_id for row in rows["subscriber"]}) == len(rows["subscriber"]) == 8
    assert len({row.address_id for row in rows["address"]}) == len(rows["address"]) == 9
    assert max(row.address_id for row in rows["address"]) > phone
    assert max(row.subscriber_id for row in rows["subscriber"]) > person


def test_a_batch_that_meets_an_address_taken_meanwhile_is_decided_anew(engine: Engine, file: Path) -> None:
    """Somebody signs up after the batch has looked: here within its own transaction, which is then undone as a whole."""
    known, looked = batch.known, 0

    def overtaken(conns: Sequence[Connection], keys: Sequence[Key]) -> dict[Key, Reach]:
        nonlocal looked
        looked += 1
        found = known(conns, keys)
        if looked == 1:
            a_person(conns[0], "+15035550102")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "known", overtaken)
        totals, _ = imported(engine, file, line("5035550101"), line("5035550102"), line("5035550103"))
    assert looked == 2
    assert totals == Totals(rows=3, subscribers=3, addresses=3)
    assert len(everything(engine)["address"]) == 3


def test_no_address_is_written_in_clear(engine: Engine, file: Path) -> None:
    imported(engine, file, line("5035550101", "resident1@example.gov"))
    assert "5550101" not in repr(everything(engine))
    assert "resident1" not in repr(everything(engine))

"""Rows against what is known: the rules of an import, one by one."""

from datetime import timedelta

from subscribers.entry import Entry
from subscribers.merging import Gains, Key, Kind, Reach, merge
from subscribers.place import PLACES_MAX, NamedPlace, Point, Spot, ZipArea
from tests.subscribers.factories import DOWNTOWN, LENTS, NOON


class Desk:
    """Takes rows one after the other, as an import does within a batch."""

    def __init__(self) -> None:
        self.known: dict[Key, Reach] = {}
        self.gains = Gains()
        self.line = 1
        self.erased: set[Key] = set()

    def take(
        self,
        phone: str = "",
        email: str = "",
        spot: Spot | None = None,
        label: str = "",
        language: str = "en",
        basis: str = "opt-in",
    ) -> list[tuple[Kind, str]]:
        self.line += 1
        entry = Entry(
            line=self.line,
            phone=phone,
            email=email,
            language=language,
            label=label,
            spot=spot,
            basis=basis,
            consent_at=NOON - timedelta(days=1),
            consent_source="form",
        )
        texts = {"sms": phone, "email": email}
        keys = {channel: (channel, text.encode()) for channel, text in texts.items() if text}
        notes = merge(entry, keys, self.known, self.gains, self.erased)
        assert all(note.line == self.line for note in notes)
        return [(note.kind, note.reason) for note in notes]

    def next_import(self) -> None:
        self.gains = Gains()

    def reach(self, text: str) -> Reach:
        return self.known["email" if "@" in text else "sms", text.encode()]


def the_reason(notes: list[tuple[Kind, str]]) -> str:
    ((kind, reason),) = notes
    assert kind is Kind.PROBLEM
    return reason


def test_a_phone_and_an_e_mail_in_one_row_are_one_person() -> None:
    desk = Desk()
    assert desk.take("1", "a@x", DOWNTOWN) == []
    assert desk.reach("1").person is desk.reach("a@x").person
    assert (len(desk.gains.people), len(desk.gains.addresses), len(desk.gains.places)) == (1, 2, 1)


def test_the_first_place_is_home_unless_it_is_called_something() -> None:
    desk = Desk()
    desk.take("1", spot=DOWNTOWN)
    desk.take("2", spot=LENTS, label="WORK")
    assert [(label, spot) for _, label, spot in desk.gains.places] == [("HOME", DOWNTOWN), ("WORK", LENTS)]


def test_a_further_place_needs_a_label_of_its_own() -> None:
    desk = Desk()
    desk.take("1", spot=DOWNTOWN)
    assert "needs a label; this person already has HOME" in the_reason(desk.take("1", spot=LENTS))
    assert "HOME names another place" in the_reason(desk.take("1", spot=LENTS, label="HOME"))
    assert desk.take("1", spot=LENTS, label="WORK") == []
    assert desk.take("1", spot=ZipArea("97214"), label="MOM") == []
    assert len(desk.gains.people) == 1
    assert len(desk.gains.addresses) == 1


def test_an_identical_place_is_a_duplicate_whatever_its_label() -> None:
    desk = Desk()
    desk.take("1", spot=NamedPlace("Lents"))
    for label in ("", "HOME", "WORK"):
        assert [kind for kind, _ in desk.take("1", spot=NamedPlace("Lents"), label=label)] == [Kind.DUPLICATE]


def test_a_row_without_anything_new_is_a_duplicate() -> None:
    desk = Desk()
    desk.take("1", "a@x", DOWNTOWN)
    desk.next_import()
    for row in ({"phone": "1"}, {"email": "a@x"}, {"phone": "1", "email": "a@x"}, {"phone": "1", "spot": DOWNTOWN}):
        assert [kind for kind, _ in desk.take(**row)] == [Kind.DUPLICATE]
    assert desk.gains == Gains()


def test_more_places_than_we_keep_are_refused() -> None:
    desk = Desk()
    for number in range(PLACES_MAX):
        assert desk.take("1", spot=Point(45.5, -122.6 - number / 100), label=f"P{number}") == []
    assert f"{PLACES_MAX} places, the most" in the_reason(desk.take("1", spot=LENTS, label="MORE"))


def test_an_address_of_two_people_is_refused() -> None:
    desk = Desk()
    desk.take("1", "a@x")
    desk.take("2")
    assert "two different people" in the_reason(desk.take("2", "a@x"))
    assert "somebody with another phone" in the_reason(desk.take("3", "a@x"))
    assert desk.known.keys() == {("sms", b"1"), ("email", b"a@x"), ("sms", b"2")}, "nothing of a refused row is taken"


def test_a_person_known_by_one_address_gains_the_other() -> None:
    desk = Desk()
    desk.take("1", spot=DOWNTOWN)
    desk.take(email="b@x")
    assert desk.take("1", "a@x") == []
    assert desk.take("2", "b@x") == []
    assert desk.reach("a@x").person is desk.reach("1").person
    assert desk.reach("b@x").person is desk.reach("2").person
    assert len(desk.gains.people) == 2


def test_one_address_has_one_language() -> None:
    desk = Desk()
    desk.take("1", "a@x", language="es")
    said = the_reason(desk.take("1", spot=DOWNTOWN, language="en"))
    assert "The phone is held in language 'es' and the row says 'en'" in said
    assert "The e-mail is held in language 'es'" in the_reason(desk.take(email="a@x", language="vi"))
    assert desk.gains.places == []


def test_whoever_asks_for_the_texts_is_told_more_than_before_and_never_less() -> None:
    desk = Desk()
    desk.take("1", basis="utility-account")
    desk.next_import()
    assert desk.take("1", basis="opt-in") == []
    assert desk.reach("1").basis == "opt-in"
    assert len(desk.gains.upgrades) == 1
    for basis in ("utility-account", "emergency", "opt-in"):
        assert [kind for kind, _ in desk.take("1", basis=basis)] == [Kind.DUPLICATE]
    assert desk.reach("1").basis == "opt-in"


def test_a_list_never_starts_whoever_opted_out() -> None:
    desk = Desk()
    desk.take("1", basis="utility-account")
    desk.reach("1").stopped = True
    assert [kind for kind, _ in desk.take("1", basis="opt-in")] == [Kind.STOPPED, Kind.DUPLICATE]
    assert desk.reach("1").basis == "utility-account"
    assert [kind for kind, _ in desk.take("1", "a@x")] == [Kind.STOPPED], "the e-mail is new and is kept"
    assert desk.reach("1").stopped


def test_whoever_was_erased_is_not_taken_back_nor_what_a_list_says_beside() -> None:
    desk = Desk()
    desk.take("1")
    desk.erased = {("sms", b"2"), ("email", b"c@x")}
    assert [kind for kind, _ in desk.take("2", "b@x", DOWNTOWN)] == [Kind.ERASED]
    ((kind, reason),) = desk.take("3", "c@x")
    assert kind is Kind.ERASED and reason.startswith("The e-mail was erased")
    assert desk.take("4", "b@x") == []
    assert len(desk.gains.people) == 2

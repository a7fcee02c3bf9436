"""Alert texts for old handsets: without marks where readers take that for their language, else English and the interpreter."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Content
from channels.text import Encoding, measure
from notify.alerts.alert import Stage, Wording
from notify.alerts.digest import digest
from notify.alerts.preview import rows
from notify.sending.outbox import content_for
from notify.service import bodies_of
from notify.wording import reviews
from notify.wording.fallback import Step
from notify.wording.render import Rendering, render
from notify.wording.slots import PLAIN, unmarked
from notify.wording.words import Words, load
from subscribers.plain import PLAIN_TAG, spoken
from tests.notify.factories import an_event
from tests.notify.subjects import TAGS, a_subject, reviews_of, the_words

RO = f"ro{PLAIN_TAG}"
MARKED = tuple(language for language in TAGS if language not in PLAIN)


def said(words: Words, *reviewed: str, **changes: object) -> Rendering:
    tags = {language: TAGS[language] for language in ("en", "es", "vi", "ro", "lo")}
    return render(a_subject(**changes), words, reviews_of(words, "en", *reviewed), tags, allow_drafts=False)  # type: ignore[arg-type]


def test_a_reviewed_form_says_the_reviewed_words_without_their_marks() -> None:
    contents = said(the_words(), "ro", RO).contents
    own, plain = contents["sms/first/ro"], contents[f"sms/first/{RO}"]
    assert plain.body == unmarked(own.body) != own.body
    assert plain.language == RO and measure(plain.body).parts == 1 < measure(own.body).parts


def test_a_form_nobody_has_reviewed_is_not_sent_though_its_language_is_reviewed() -> None:
    rendering = said(the_words(), "ro")
    text = rendering.contents[f"sms/first/{RO}"]
    assert rendering.step_of[text.key] is Step.ENGLISH and rendering.step_of["sms/first/ro"] is Step.OWN
    assert "BOIL TAP WATER" in text.body


def test_a_change_of_the_words_takes_the_yes_to_their_plain_form_back() -> None:
    words = the_words()
    approved = reviews.arrange(reviews_of(words, RO))
    message = words.messages["sms.boil_water.first.ecoli"]
    assert reviews.state(words, message, RO, approved) is reviews.State.APPROVED
    changed = {
        **words.translations[RO],
        message.context: words.translations[RO][message.context].replace("FIERBETI", "Fierbeti"),
    }
    other = replace(words, translations={**words.translations, RO: changed})
    assert reviews.state(other, message, RO, approved) is reviews.State.STALE


def test_its_reviewer_reads_every_message_that_texts_are_made_of_and_no_other() -> None:
    words = the_words()
    listed = {message.context for message in reviews.promised(words, RO)}
    texts = {context for context in words.translations["ro"] if context.startswith(("sms.", "hazard.", "line."))}
    assert texts - {"line.why.email"} <= listed
    assert not any(context.startswith(("page.", "dialog.", "email.")) for context in listed)


@pytest.mark.parametrize("language", [language for language in MARKED if language != "ro"])
def test_a_language_without_such_a_form_gets_english_the_interpreter_and_its_own_page(language: str) -> None:
    """A Vietnamese word without its tone is another word, and Lao has no other letters."""
    words = the_words()
    rendering = render(a_subject(), words, reviews_of(words, *TAGS), TAGS, allow_drafts=False)
    text = rendering.contents[f"sms/first/{language}{PLAIN_TAG}"]
    assert text.body.splitlines()[1:] == [f"alerts.example.gov/{language}/a/K7Q2", "Free interpreter: 311"]
    assert "BOIL TAP WATER" in text.body and rendering.step_of[text.key] is Step.ENGLISH
    assert rendering.measures[text.key].parts <= 2


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("place", ["Outer East Portland", "Los Ríos de Brăila", "Đông Nam"])
def test_every_plain_text_can_be_shown_by_every_handset(stage: Stage, place: str) -> None:
    rendering = render(a_subject(stage=stage, place={"en": place}), the_words(), (), TAGS, allow_drafts=True)
    plain = {key: size for key, size in rendering.measures.items() if key.endswith(PLAIN_TAG)}
    assert {key.rpartition("/")[2] for key in plain} == {f"{language}{PLAIN_TAG}" for language in MARKED}
    foreign = {"Đ"} if place.startswith("Đ") else set()  # a letter of its own, not one with a mark
    for size in plain.values():
        assert {culprit.character for culprit in size.culprits} <= foreign
        assert size.encoding is Encoding.GSM_7 or foreign


def test_a_time_is_written_as_the_language_writes_it() -> None:
    body = said(the_words(), "ro", RO, stage=Stage.ALL_CLEAR).contents[f"sms/all_clear/{RO}"].body
    assert "vin. 10:40" in body


def test_a_place_has_the_name_it_has_in_the_language_without_marks() -> None:
    body = (
        said(the_words(), RO, place={"en": "North Portland", "ro": "Portland de miazănoapte"}).contents[f"sms/first/{RO}"].body
    )
    assert "Portland de miazanoapte" in body


def test_forms_are_made_once_for_a_language_and_texts_only() -> None:
    contents = said(the_words(), RO).contents
    assert {key for key in contents if key.startswith("email/") and PLAIN_TAG in key} == set()
    assert not any(f"{language}{PLAIN_TAG}" in key for key in contents for language in PLAIN)


def test_the_digest_covers_the_plain_form() -> None:
    contents = said(the_words(), "ro", RO).contents
    key = f"sms/first/{RO}"
    changed = {**contents, key: replace(contents[key], body=contents[key].body + ".")}
    assert digest(an_event(contents=contents)) != digest(an_event(contents=changed))


TEXTS = {
    f"sms/{path}": Content(key=f"sms/{path}", language=path.rpartition("/")[2], body=f"Words of {path}.")
    for path in ("first/en", "first/ro", f"first/{RO}", "first/es", "first/why/en", "first/why/ro", "update/en", "update/ro")
}


@pytest.mark.parametrize(
    ("wording", "language", "path"),
    [
        ("first", RO, f"first/{RO}"),
        ("update", RO, "update/ro"),  # frozen before there was such a form
        ("first/why", RO, "first/why/ro"),
        ("first", f"es{PLAIN_TAG}", "first/es"),  # its texts are plain as they are
        ("first", f"hmn{PLAIN_TAG}", "first/en"),
    ],
)
def test_whoever_asked_for_it_always_gets_a_text(wording: str, language: str, path: str) -> None:
    assert content_for(an_event(contents=TEXTS), "sms", wording, language).key == f"sms/{path}"


def test_the_preview_counts_who_reads_the_plain_form_and_what_it_costs() -> None:
    rendering = said(the_words(), "ro", RO)
    people: Mapping[tuple[str, str, str], int] = {
        ("sms", "first", RO): 10,
        ("sms", "first", "ro"): 7,
        ("sms", "first", f"es{PLAIN_TAG}"): 5,
        ("sms", "first", f"lo{PLAIN_TAG}"): 3,
    }
    found = {row.language: row for row in rows(rendering, people, 0.01)}
    assert (found[RO].written_in, found[RO].step, found[RO].parts, found[RO].encoding) == (RO, "own", 1, "GSM-7")
    assert found["ro"].parts == 2
    assert (found[f"lo{PLAIN_TAG}"].written_in, found[f"lo{PLAIN_TAG}"].step) == ("en", "english")
    spanish = measure(rendering.contents["sms/first/es"].body)
    assert (found[f"es{PLAIN_TAG}"].parts, found[f"es{PLAIN_TAG}"].units) == (spanish.parts, spanish.units)


def test_each_row_of_the_preview_shows_what_its_people_read() -> None:
    rendering = said(the_words(), "ro", RO)
    people = {("sms", "first", one): 1 for one in ("en", "ro", RO, f"es{PLAIN_TAG}", f"lo{PLAIN_TAG}")}
    table = rows(rendering, people, 0.01)
    bodies = bodies_of(rendering, table)
    assert set(bodies) == {f"sms/first/{row.language}" for row in table}
    assert bodies[f"sms/first/es{PLAIN_TAG}"] == rendering.contents["sms/first/es"].body
    assert bodies[f"sms/first/{RO}"] == rendering.contents[f"sms/first/{RO}"].body != bodies["sms/first/ro"]


def test_a_city_without_such_a_language_loads(tmp_path: Path) -> None:
    words = load(_copy_without_romanian(tmp_path))
    assert words.translations.get(RO, {}) == {} and "ro" not in words.languages()
    rendering = render(a_subject(), words, (), TAGS, allow_drafts=True)
    assert rendering.step_of[f"sms/first/{RO}"] is Step.ENGLISH


def _copy_without_romanian(folder: Path) -> Path:
    templates = Path(__file__).parents[3] / "templates"
    for path in templates.iterdir():
        if path.name != "words.toml":
            (folder / path.name).symlink_to(path)
    (folder / "words.toml").write_text((templates / "words.toml").read_text("utf-8").replace('"ro", ', ""), "utf-8")
    return folder


@given(st.text())
def test_dropping_marks_twice_is_dropping_them_once_and_changes_no_plain_letter(text: str) -> None:
    once = unmarked(text)
    assert unmarked(once) == once and len(once) <= len(text)


@given(st.sampled_from([*TAGS]))
def test_the_language_of_a_form_is_found_again(language: str) -> None:
    assert spoken(f"{language}{PLAIN_TAG}") == language == spoken(language)


def test_every_wording_of_an_update_has_its_plain_form() -> None:
    contents = said(the_words(), RO, stage=Stage.UPDATE).contents
    wordings = {key.split("/")[1] for key in contents if key.endswith(RO)}
    assert wordings == {Wording.UPDATE, Wording.FIRST, Wording.SHORT, Wording.OUTSIDE}

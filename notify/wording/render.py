"""From one Subject to every text, e-mail, page and CAP info of its Event, in every language of the city."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from channels.base import Content
from channels.text import GSM_7, Measure, measure, parts, sanitise
from notify.alerts.alert import Info, Mode, Page, Wording
from notify.wording import letters, slots, topics
from notify.wording.fallback import STEPS, Desk, Said, Step, folder_of, given_slots, has_short
from notify.wording.letters import Link
from notify.wording.phrasing import NotReady
from notify.wording.reviews import Review, State, arrange, state
from notify.wording.slots import ENGLISH, PLAIN, long_time, unmarked
from notify.wording.subject import Subject
from notify.wording.words import Words
from subscribers.plain import is_plain, spoken, tagged

ENDING: Final = (Wording.FIRST, Wording.SHORT, Wording.UPDATE)  # the wordings whose mails may say until when
_SETTLED: Final = GSM_7 - {"\r", "\f"}  # what the sanitiser leaves as it is
LABELS: Final = ("steps_heading", "facts_heading", "open_page", "asl_video")


class BadSubject(ValueError):
    """The alert cannot be put into words; `problems` holds a sentence for each reason."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """Every word of an Event.

    contents        under "sms/first/es" or "email/update/why/ar": channel, wording, "why" for somebody's first message from a
                    list, and the language the person asked for; each language of the city has a text for each wording,
                    and those with letters of their own a second one for old handsets, under "sms/first/ro-x-plain";
                    and under "topic/WATER/2/es" what residents read who ask for more
    infos, pages    only in languages that have words of their own; English first
    languages_used  language asked for -> language its text messages are written in: English when any of them is
    steps           language asked for -> the furthest that any of its texts, mails included, had to fall back
    step_of         the same for each content
    measures        the size of each text message
    problems        sentences for the approver: English nobody has reviewed, free text that a language does not have, texts
                    with more parts than they should have
    """

    contents: Mapping[str, Content]
    infos: tuple[Info, ...]
    pages: tuple[Page, ...]
    languages_used: Mapping[str, str]
    steps: Mapping[str, Step]
    step_of: Mapping[str, Step]
    measures: Mapping[str, Measure]
    problems: tuple[str, ...]


def problems(subject: Subject, words: Words) -> tuple[str, ...]:
    """Everything that keeps the subject from being put into words, as sentences."""
    if subject.hazard not in words.folders:
        return (f"There are no words for the hazard {subject.hazard!r}.",)
    needed = {
        wording: words.declared(folder_of(words, subject.hazard, wording), subject.hazard) for wording in subject.wordings
    }
    known = _known(words, subject)
    ours, theirs = words.slots[""], sorted(name for name in known if name not in words.slots[""])
    found = [f"The slot {name} is filled in by the program." for name in subject.slots if name in ours]
    for name in subject.slots:
        if name not in known:
            found.append(f"There is no slot {name} for {subject.hazard}; there are: {', '.join(theirs) or 'none'}.")
    if not subject.place.get(ENGLISH):
        found.append("The area has no name in English (en).")
    if not subject.urls.get(ENGLISH):
        found.append("The alert's page has no address in English (en).")
    if not subject.phones:
        found.append("There is no telephone number for questions.")
    given = given_slots(subject, words, words.folders[subject.hazard])
    return (*found, *slots.problems(given, known, needed))


def _known(words: Words, subject: Subject) -> Mapping[str, slots.Slot]:
    """Every slot that any wording of the hazard has."""
    folders = dict.fromkeys(folder_of(words, subject.hazard, wording) for wording in Wording)
    return {name: slot for folder in folders for name, slot in words.declared(folder, subject.hazard).items()}


def render(
    subject: Subject, words: Words, reviews: Iterable[Review], languages: Mapping[str, str], *, allow_drafts: bool
) -> Rendering:
    """Puts a subject into words. `languages` are the city's with the tags CAP knows them by, {"es": "es-US"}. Without
    `allow_drafts` only reviewed words are used; English alone goes out even so, because behind it is nothing but silence.

    Raises BadSubject with all its `problems`; never for a catalogue, however broken.
    """
    if found := problems(subject, words):
        raise BadSubject(found)
    desk = Desk(subject=subject, words=words, reviewed=arrange(reviews), allow_drafts=allow_drafts)
    tags = {ENGLISH: "en-US", **languages}
    pages_asked_for = tuple(topics.contents(desk, tags))
    helped = frozenset(page.language for page in pages_asked_for if page.key.startswith(f"topic/{subject.reply_word}/"))
    said = [one for language in tags for one in _contents(desk, language, tuple(tags), helped)]
    step_of = {content.key: step for content, step in said}
    texts = {content.key: content for content, _ in said if content.key.startswith("sms/")}
    measures = {key: measure(content.body, naming=content.language in PLAIN) for key, content in texts.items()}
    furthest = {language: _furthest(step_of, language, "sms/") for language in tags}
    return Rendering(
        contents={content.key: content for content in (*(content for content, _ in said), *pages_asked_for)},
        infos=tuple(_infos(desk, tags)),
        pages=tuple(_pages(desk, tags)),
        languages_used={language: ENGLISH if step is Step.ENGLISH else language for language, step in furthest.items()},
        steps={language: _furthest(step_of, language, "") for language in tags},
        step_of=step_of,
        measures=measures,
        problems=(*_unreviewed(desk), *_untyped(desk, tags), *_too_long(words, measures)),
    )


def _furthest(step_of: Mapping[str, Step], language: str, channel: str) -> Step:
    steps = (step for key, step in step_of.items() if key.startswith(channel) and key.endswith(f"/{language}"))
    return max(steps, key=STEPS.index)


def _contents(
    desk: Desk, language: str, all_languages: tuple[str, ...], helped: frozenset[str]
) -> Iterator[tuple[Content, Step]]:
    """Every text and mail for people who asked for a language. The one-part form is there in every language, or in none: where
    a language has none, it is the long one. helped: languages in which the reply word is answered with pages of its own."""
    links = tuple(letters.link(one, desk.subject.url(one)) for one in all_languages if one in desk.subject.urls)
    for wording in desk.subject.wordings:
        if wording is Wording.SHORT and not has_short(desk.words, desk.subject.hazard):
            continue
        yield from _texts(desk, wording, language, helped)
        if language not in PLAIN:
            yield from _texts(desk, wording, tagged(language, plain=True), helped)
        yield from _mails(desk, wording, language, links)


def _texts(desk: Desk, wording: Wording, language: str, helped: frozenset[str]) -> Iterator[tuple[Content, Step]]:
    said = desk.say("sms.txt", wording, language)
    speaks = said.speaker.language
    written = [said.text]
    if desk.replaces(wording):
        written.insert(0, desk.line("changed", speaks)[0])
    if _is_exercise(desk, wording):
        written.insert(0, desk.line("exercise", speaks)[0])
    if said.step is Step.ENGLISH and language != ENGLISH:
        written.append(desk.line("interpreter", language, phone=desk.subject.phones[0])[0])
    body = _as_texted("\n".join(written), language)
    why = _as_texted(desk.line("why_sms", speaks)[0], language)
    offer = _offer(desk, said, wording) if spoken(language) in helped else ""
    for path, whole in ((wording, body), (f"{wording}/why", f"{body}\n{why}")):
        ended = _unless_dearer(whole, _as_texted(offer, language)) if offer else whole
        yield Content(key=f"sms/{path}/{language}", language=speaks, body=ended), said.step


def _as_texted(text: str, language: str) -> str:
    """Sanitised, and without marks for who asked for that. A text of plain GSM-7 is both already, and looking at each letter of
    it again costs more than all the rest."""
    clean = text if _SETTLED.issuperset(text) else sanitise(text).text
    return unmarked(clean) if is_plain(language) else clean


def _offer(desk: Desk, said: Said, wording: Wording) -> str:
    """The line that names the word which gets more help; empty where there is none, or the language cannot say it."""
    if not desk.subject.reply_word or wording not in (Wording.FIRST, Wording.SHORT, Wording.UPDATE):
        return ""
    try:
        return said.speaker.line("reply", word=desk.subject.reply_word)
    except NotReady:
        return ""


def _unless_dearer(body: str, line: str) -> str:
    """The text with a further line, where that costs no further part."""
    longer = f"{body}\n{line}"
    return longer if parts(longer) == parts(body) else body


def _mails(desk: Desk, wording: Wording, language: str, links: tuple[Link, ...]) -> Iterator[tuple[Content, Step]]:
    subject = desk.subject
    said = desk.say("page.txt", wording, language)
    speaks = said.speaker.language
    page = _marked(desk, wording, letters.page(said.text, speaks))
    notice, notice_language = "", speaks
    if said.step is Step.ENGLISH and language != ENGLISH:
        notice, notice_language = desk.line("interpreter", language, phone=subject.phones[0])
    values = {
        "page": page,
        "subject": _title(desk, wording, page, timed=said.folder in desk.words.timed),
        "source": subject.source,
        "url": subject.url(language),
        "links": links,
        "labels": _labels(desk, speaks),
        "notice": notice,
        "notice_language": notice_language,
        "exercise": desk.line("exercise", speaks)[0] if _is_exercise(desk, wording) else "",
        "thread": subject.thread,
        "asl_video": "" if wording is Wording.OUTSIDE else subject.asl_video,  # it says what to do inside
    }
    why, _ = desk.line("why_email", speaks, city=subject.city)
    for path, reason in ((wording, ""), (f"{wording}/why", why)):
        key = f"email/{path}/{language}"
        yield letters.email(desk.words.templates, said.folder, key, {**values, "why": reason}), said.step


def _labels(desk: Desk, speaks: str) -> Mapping[str, str]:
    subject = desk.subject
    sent = long_time(subject.sent, speaks, subject.time_zone)
    return {
        **{name: desk.line(name, speaks)[0] for name in LABELS},
        "help_line": desk.line("help_line" if desk.calls_911() else "no_911", speaks, phone=", ".join(subject.phones))[0],
        "sent_by": desk.line("sent_by", speaks, source=subject.source, sent=sent)[0],
    }


def _title(desk: Desk, wording: Wording, page: Page, *, timed: bool) -> str:
    """A mail's subject: what, where, and until when where the words say so."""
    subject, speaks = desk.subject, page.language
    place = subject.place.get(speaks, subject.place[ENGLISH])
    title = f"{page.title} – {place}"
    if timed and wording in ENDING and subject.expires and not subject.until_cleared:
        until = long_time(subject.expires, speaks, subject.time_zone)
        title = desk.line("subject_until", speaks, title=page.title, place=place, until=until)[0]
    return f"{desk.line('exercise_mark', speaks)[0]}: {title}" if _is_exercise(desk, wording) else title


def _is_exercise(desk: Desk, wording: Wording) -> bool:
    """A planned test says of itself that it is one; everything else in a training instance has to be told to."""
    return desk.subject.mode is Mode.TRAINING and wording is not Wording.TEST


def _marked(desk: Desk, wording: Wording, page: Page) -> Page:
    """The page, which says first that it replaces other advice where it does."""
    if not desk.replaces(wording):
        return page
    return replace(page, lead=f"{desk.line('changed', page.language)[0]} {page.lead}")


def _pages(desk: Desk, tags: Mapping[str, str]) -> Iterator[Page]:
    wording = desk.subject.wordings[0]
    for language in tags:
        said = desk.say("page.txt", wording, language)
        if language != said.speaker.language:
            continue
        page = _marked(desk, wording, letters.page(said.text, language))
        if _is_exercise(desk, wording):
            mark, whole = (desk.line(name, language)[0] for name in ("exercise_mark", "exercise"))
            page = replace(page, title=f"{mark}: {page.title}", lead=f"{whole} {page.lead}")
        yield page


def _infos(desk: Desk, tags: Mapping[str, str]) -> Iterator[Info]:
    wording, place = desk.subject.wordings[0], desk.subject.place
    for language, tag in tags.items():
        said = desk.say("cap.txt", wording, language)
        if language != said.speaker.language:
            continue
        info = letters.info(said.text, tag, place.get(language, place[ENGLISH]))
        if desk.replaces(wording):
            info = replace(info, description=f"{desk.line('changed', language)[0]}\n{info.description}")
        if _is_exercise(desk, wording):
            mark, whole = (desk.line(name, language)[0] for name in ("exercise_mark", "exercise"))
            headline = f"{mark}: {info.headline}"[: letters.MOST_HEADLINE]
            info = replace(info, headline=headline, description=f"{whole}\n{info.description}")
        yield info


def _unreviewed(desk: Desk) -> Iterator[str]:
    folders = {folder_of(desk.words, desk.subject.hazard, wording) for wording in desk.subject.wordings}
    for folder in sorted(folders):
        listed = [message for message in desk.words.messages.values() if message.domain == folder]
        waiting = sum(state(desk.words, one, ENGLISH, desk.reviewed) is not State.APPROVED for one in listed)
        if waiting:
            yield f"Nobody has reviewed {waiting} of {len(listed)} English messages of {folder}; they go out as drafts."


def _untyped(desk: Desk, tags: Mapping[str, str]) -> Iterator[str]:
    """Free text that was not typed in each language: its people read other words, which is for the approver to know."""
    for name, slot in _known(desk.words, desk.subject).items():
        value = desk.subject.slots.get(name)
        if slot.type is slots.Kind.TEXT and value and set(slot.wordings) & set(desk.subject.wordings):
            lacking = [language for language in tags if slots.in_language(value, language) is None]
            if lacking:
                yield f"Nobody typed {name} in {', '.join(lacking)}: their texts do without it."


def _too_long(words: Words, measures: Mapping[str, Measure]) -> Iterator[str]:
    """The one-part form is an offer: a language without one has the long form under its name."""
    for key, size in measures.items():
        wording = key.split("/")[1]
        most = words.most_parts[Wording.FIRST if wording == Wording.SHORT else wording]
        if size.parts > most and "/why/" not in key:
            yield f"The text {key} has {size.parts} parts, {most} would do with shorter names."

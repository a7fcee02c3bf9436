"""What callers hear of an alert: its own approved words, cut to what fits before whoever is in danger has waited long. Pure.

The page's first paragraph says what to do, where and until when; a language without a page has its text, without link and key
word. Nothing is worded anew, so the telephone and the text cannot disagree.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from notify.alerts.affected import Touched, Verdict
from notify.alerts.alert import Event, Stage
from notify.wording.slots import ENGLISH
from notify.wording.translations import speaks
from surge.recorded import takes
from surge.voice import prompts
from surge.voice.prompts import MOST_S, Prompt, Speech
from surge.voice.voice_call import Zips

NEXT_S: Final = 4.0  # what the sentence on the next update takes
OVER: Final = frozenset({Stage.ALL_CLEAR, Stage.FALSE_ALARM})  # nothing holds anywhere any more
WORDINGS: Final = ("short", "first", "update", "correction", "all_clear", "false_alarm", "test")
_SENTENCE: Final = re.compile(r"(?<=[.!?。！？؟])\s+|(?<=[。！？])")
_LINK: Final = re.compile(r"\S+\.\S+/\S*")


def messages(event: Event, speech: Speech) -> dict[str, Prompt]:
    """By language, those that the event has words in. One in which not even a sentence fits is left out."""
    tags = {page.language for page in event.pages} | {content.language for content in event.contents.values()}
    found = {}
    for language in sorted(tags):
        fitting = (fitted(words, language, speech) for words in _words(event, language))
        if words := next((words for words in fitting if words), ""):
            told = speech.told.get((language, takes.message_line(language, words).digest))
            found[language] = Prompt(
                language=language,
                words=words,
                recording=told.url if told is not None else "",
                seconds=told.seconds if told is not None else None,
                next_at=event.next_update_by,
            )
    return found


def _words(event: Event, language: str) -> Iterator[str]:
    """The best first."""
    yield from (page.lead for page in event.pages if speaks(page.language, language))
    for wording in WORDINGS:
        content = event.contents.get(f"sms/{wording}/{language}")
        if content is not None and content.language == language:
            yield " ".join(before_link(content.body).split())
    yield from (f"{page.title}." for page in event.pages if speaks(page.language, language))


def before_link(body: str) -> str:
    """A text without its link and what stands behind it; both are for whoever reads."""
    lines = body.splitlines()
    end = next((number for number, line in enumerate(lines) if _LINK.fullmatch(line.strip())), len(lines))
    return "\n".join(lines[:end])


def fitted(words: str, language: str, speech: Speech) -> str:
    """As many whole sentences, from the first one on, as are heard in time after the way to 911; "" where none is."""
    left, kept = room(language, speech), ""
    for sentence in _SENTENCE.split(words.strip()):
        longer = f"{kept} {sentence}".strip()
        if (prompts.seconds(Prompt(language=language, words=longer)) or 0.0) > left:
            break
        kept = longer
    return kept


def room(language: str, speech: Speech) -> float:
    """Seconds that are left for the message between the way to 911 and the next update."""
    phrases = speech.texts.get(language, speech.texts[ENGLISH])
    return MOST_S - NEXT_S - (prompts.seconds(Prompt(language=language, words=phrases.get("voice.way_out", ""))) or 0.0)


def zips(event: Event, touched: Touched) -> Zips | None:
    """Where it holds, by the city's ZIP codes. None once it is over, and where nothing could be compared."""
    if event.stage in OVER or not touched.zips:
        return None
    inside, edge, outside = (frozenset(touched.codes(verdict)) for verdict in (Verdict.INSIDE, Verdict.PART, Verdict.OUTSIDE))
    return Zips(inside=inside, edge=edge, outside=outside)


def audible(found: Mapping[str, Prompt], speech: Speech) -> tuple[str, ...]:
    """Languages whose message can be heard, by voice or recording."""
    return tuple(language for language, prompt in found.items() if speech.prompt(prompt))

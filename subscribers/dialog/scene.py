"""What one turn is played in: everything known at its moment, and the two ways to end it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from subscribers.dialog.intent import Reading
from subscribers.dialog.lexicon import Lexicon
from subscribers.dialog.turn import (
    Act,
    Asked,
    Drop,
    Keep,
    Kept,
    Known,
    Memory,
    Question,
    Reply,
    Sent,
    Speak,
    Tongue,
    Turn,
    World,
)

QUESTION_LIFE: Final = timedelta(minutes=30)
DELETE_LIFE: Final = timedelta(minutes=10)
MOST_ASKED: Final = 2
ABOUT_PLACES: Final = frozenset({Asked.CONFIRM, Asked.PICK, Asked.LABEL, Asked.MOVE})


def alive(question: Question | None, now: datetime) -> Question | None:
    """A question, unless its time is over."""
    if question is None or question.asked is Asked.YEARLY:
        return question
    life = DELETE_LIFE if question.asked is Asked.DELETE else QUESTION_LIFE
    return question if now - question.at <= life else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """memory: what was remembered, with this text counted. language: what is answered in; `speak` notes it when it is news."""

    known: Known
    now: datetime
    world: World
    lexicon: Lexicon
    reading: Reading
    language: str
    memory: Memory
    speak: tuple[Speak, ...] = ()

    @property
    def is_new(self) -> bool:
        return not self.known.standing.is_kept

    def say(self, key: str, **slots: Any) -> Reply:
        city = self.world.city
        facts = {
            "programme": city.programme,
            "city": city.name,
            "phones": city.phones,
            "phone": city.phone,
            "link": city.link,
            "county_link": city.county_link,
            "language": city.languages.get(self.language, self.language),
        }
        return Reply(key=key, language=self.language, slots=facts | slots)

    def speaking(self, language: str, *, guessed: bool = False) -> "Scene":
        """The same scene in this language, which is kept from now on: asked for, or heard."""
        memory = replace(self.memory, tongue=Tongue.GUESSED if guessed else Tongue.CHOSEN, plain=False)
        return replace(self, language=language, memory=memory, speak=(Speak(language, guessed=guessed),))

    def turn(self, *replies: Reply | Sent, acts: Sequence[Act] = (), question: Question | None = None, **changes: Any) -> Turn:
        """Ends the turn. The open question is over unless one is given; a guessed language is noted first."""
        is_settled = question is not None or any(isinstance(act, Keep) for act in acts)
        left_at = None if is_settled else self.memory.left_at
        memory = replace(self.memory, **{"question": question, "left_at": left_at, **changes})
        return Turn(memory=memory, acts=(*self.speak, *acts), replies=replies)

    def aside(self, *replies: Reply | Sent, acts: Sequence[Act] = ()) -> Turn:
        """Ends a turn that has nothing to do with the open question: it stays open as long as it lives."""
        return self.turn(*replies, acts=acts, question=self.alive())

    def ask(self, asked: Asked, **given: Any) -> Question:
        return Question(asked=asked, at=self.now, **given)

    def alive(self) -> Question | None:
        """The open question, unless its time is over."""
        return alive(self.memory.question, self.now)

    def about(self) -> Question | None:
        """The open question when it is about a place: another place given instead of an answer is meant for the same label."""
        question = self.alive()
        return question if question is not None and question.asked in ABOUT_PLACES and question.options else None

    def leaves(self, question: Question, done: Turn) -> bool:
        """Whether a turn leaves a question about a place unanswered for good, and the place unsaved."""
        is_over = done.memory.question is None and not any(isinstance(act, Keep) for act in done.acts)
        return (
            is_over
            and question.asked in ABOUT_PLACES
            and all(option.spot != place.spot for option in question.options for place in self.known.places)
        )

    def places(self, acts: Sequence[Act] = ()) -> tuple[Kept, ...]:
        """The saved places as they are once these acts are carried out."""
        kept = {place.label: place for place in self.known.places}
        for act in acts:
            match act:
                case Keep(label=label, spot=spot):
                    kept[label] = Kept(label=label, spot=spot)
                case Drop(label=label):
                    kept.pop(label, None)
        return tuple(kept.values())

    def listed(self, acts: Sequence[Act] = ()) -> tuple[str, ...]:
        return tuple(f"{place.label} {place.words}" for place in self.places(acts))

    def kept(self, label: str) -> Kept | None:
        return next((place for place in self.known.places if place.label == label), None)

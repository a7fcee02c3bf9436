"""The texts made last: looking at a draft and checking it in the same moment, with the same words, makes them once."""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from notify import render
from notify.render import Rendering
from notify.reviews import Review
from notify.subject import Subject
from notify.words import Words

KEPT: Final = 4  # people who look at the same moment


@dataclass(frozen=True, slots=True)
class _Made:
    wanted: tuple[Any, ...]
    words: Words
    rendering: Rendering


class Rendered:
    """Safe in threads: at worst two make the same texts."""

    def __init__(self) -> None:
        self._last: deque[_Made] = deque(maxlen=KEPT)

    def of(
        self, subject: Subject, words: Words, reviews: Collection[Review], tags: Mapping[str, str], *, allow_drafts: bool
    ) -> Rendering:
        """As render.render, and the very same when everything it depends on is what it was."""
        wanted = (subject, tuple(reviews), dict(tags), allow_drafts)
        for made in tuple(self._last):
            if made.words is words and made.wanted == wanted:
                return made.rendering
        rendering = render.render(subject, words, reviews, tags, allow_drafts=allow_drafts)
        self._last.append(_Made(wanted, words, rendering))
        return rendering

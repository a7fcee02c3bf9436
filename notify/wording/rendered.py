"""The texts made last: whoever looks at a draft, checks it or submits it within a minute, with the same words, shares them."""

import threading
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from notify.wording import render
from notify.wording.press import PATIENCE_S, Press
from notify.wording.render import Rendering
from notify.wording.reviews import Review
from notify.wording.subject import Subject
from notify.wording.words import Words

KEPT: Final = 8  # those wanted last: what is decided on must not go because somebody types at another alert meanwhile


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    wanted: tuple[Any, ...]
    words: Words
    rendering: Rendering


class Rendered:
    """Safe in threads. press: makes the texts elsewhere; without one they are made in the thread that asks."""

    def __init__(self) -> None:
        self.press: Press | None = None
        self._last: deque[_Made] = deque(maxlen=KEPT)
        self._turn, self._looking = threading.Lock(), threading.Lock()

    def of(
        self, subject: Subject, words: Words, reviews: Collection[Review], tags: Mapping[str, str], *, allow_drafts: bool
    ) -> Rendering:
        """As render.render, and the very same when everything it depends on is what it was. No text tells seconds: of `sent`
        and `expires` only the minute counts."""
        subject = replace(subject, sent=_minute(subject.sent), expires=_minute(subject.expires) if subject.expires else None)
        wanted = (subject, tuple(reviews), dict(tags), allow_drafts)
        if (known := self._known(wanted, words)) is not None:
            return known
        rendering = self._pressed(wanted, words) or render.render(subject, words, reviews, tags, allow_drafts=allow_drafts)
        with self._looking:
            self._last.append(_Made(wanted, words, rendering))
        return rendering

    def _known(self, wanted: tuple[Any, ...], words: Words) -> Rendering | None:
        with self._looking:
            found = next((made for made in self._last if made.words is words and made.wanted == wanted), None)
            if found is None:
                return None
            self._last.remove(found)
            self._last.append(found)
            return found.rendering

    def _pressed(self, wanted: tuple[Any, ...], words: Words) -> Rendering | None:
        """Made elsewhere, or meanwhile by somebody who wanted the same; None where it has to be made here. A subject that
        cannot be put into words is none for the press: it would only say so later."""
        subject, reviews, tags, allow_drafts = wanted
        if self.press is None or self.press.words is not words or render.problems(subject, words):
            return None
        if not self._turn.acquire(timeout=PATIENCE_S):
            return None
        try:
            return self._known(wanted, words) or self.press.rendered(subject, reviews, tags, allow_drafts=allow_drafts)
        finally:
            self._turn.release()


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)

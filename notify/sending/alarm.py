"""Paging for a sender in trouble: trouble that comes and goes must not wear the duty officer out."""

import math
from collections.abc import Callable
from typing import Final

AGAIN_S: Final = 900.0  # the same trouble is paged again after this, other trouble after APART_S
APART_S: Final = 60.0


class Alarm:
    def __init__(self, page: Callable[[str], None], monotonic: Callable[[], float]) -> None:
        self._page, self._monotonic = page, monotonic
        self._paged: tuple[str, float] = ("", -math.inf)

    def tell(self, problem: str) -> None:
        """Pages, unless it was just done."""
        now, (last, at) = self._monotonic(), self._paged
        if now - at >= (AGAIN_S if problem == last else APART_S):
            self._paged = (problem, now)
            self._page(problem)

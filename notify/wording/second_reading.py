"""What a second reader noted beside a translation: what it says, in English. It stands among the translator's comments."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

BACK: Final = "Back-translation:"  # opens the last of a translator's comments


def noted(comments: Sequence[str]) -> str:
    """The back-translation among a translator's comments, which a .po file breaks into lines; "" where there is none."""
    lines = comments[len(without_note(comments)) :]
    return " ".join(lines).removeprefix(BACK).strip()


def without_note(comments: Sequence[str]) -> list[str]:
    """A translator's comments before the back-translation, which is the last of them."""
    return list(takewhile(lambda line: not line.startswith(BACK), comments))

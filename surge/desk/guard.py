"""Whether somebody who writes is in danger: then they are shown first, and told of 911 and 988 before anything else is read."""

from typing import Final

from subscribers.dialog.hearing import MOST, clauses, listen
from subscribers.dialog.lexicon import Family, Lexicon

OVERLAP: Final = 200  # letters that two pieces of a long letter share, so that no phrase falls between them
LONGEST: Final = 20_000  # letters of a letter that are read; whoever writes more says it at the beginning


def in_danger(text: str, lexicon: Lexicon) -> bool:
    """Whether any part of a text, in any language we know words of, speaks of danger to life. Rather once too often."""
    if "🆘" in text:
        return True
    return any(_speaks_of_it(piece, lexicon) for piece in _pieces(text[:LONGEST]))


def _speaks_of_it(piece: str, lexicon: Lexicon) -> bool:
    whole = listen(piece)
    if lexicon.within(Family.DISTRESS, whole):
        return True
    return any(lexicon.languages_of(Family.DISTRESS_ALONE, said) for said in (whole, *clauses(piece)))


def _pieces(text: str) -> list[str]:
    """The text in pieces short enough to be heard whole."""
    return [text[at : at + MOST] for at in range(0, max(len(text) - OVERLAP, 1), MOST - OVERLAP)]

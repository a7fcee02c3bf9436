"""Which language a phone is answered in, and when a guess of it is kept."""

from typing import Final

from subscribers.dialog.hearing import surely_russian
from subscribers.dialog.intent import Kind, Reading
from subscribers.dialog.turn import City, Known, Memory, Tongue

ENGLISH: Final = "en"
# Languages whose texts every handset can show as they are: their letters are all in GSM-7. Romanian is read without its marks
# where a reader has approved it (City.plain); Vietnamese is not, for a word without its tone is another word; and letters that
# are not Latin have no marks to leave out.
PLAIN_AS_IT_IS: Final = frozenset({"en", "es", "so"})
# Short words that speakers of other languages use, too: no proof of a language unless their letters are.
SAID_BY_ANYBODY: Final = frozenset({Kind.YES, Kind.NO, Kind.THANKS, Kind.AUTOREPLY})
NOT_KEPT: Final = frozenset({Kind.STOP, Kind.START, Kind.DISTRESS})  # answered in the language of the word used, once
MAY_BE: Final = {"uk": "ru", "ja": "zh-Hant"}  # short texts of the one look like the other


def tongue(known: Known, reading: Reading, spoken: frozenset[str]) -> tuple[str, bool]:
    """The language to answer in, and whether it is kept as a guess from now on.

    What somebody has chosen stays. English that nobody chose gives way to letters and words of another language; a guess only
    to letters or words that are surely of another one.
    """
    heard, letters = (one if one in spoken else "" for one in (reading.language, reading.script))
    how = known.memory.tongue
    if reading.asked in spoken and reading.kind is not Kind.WORDS:  # of words it counts once they are found to be a place
        return reading.asked, True
    if reading.kind is Kind.LANGUAGE:
        return known.language or ENGLISH, False
    if not known.language:
        return heard or ENGLISH, heard not in ("", ENGLISH)
    if how is Tongue.GIVEN and known.language == ENGLISH and heard not in ("", ENGLISH):
        if reading.kind in SAID_BY_ANYBODY and not letters:
            return ENGLISH, False
        if reading.kind in NOT_KEPT and not reading.sure and reading.kind is not Kind.DISTRESS:
            return ENGLISH, False
        return heard, bool(letters) or reading.kind not in NOT_KEPT
    if how is Tongue.GUESSED and letters:
        if letters == MAY_BE.get(heard) == known.language and reading.sure:
            return heard, True  # "дякую" has no letter of its own, and is no Russian word
        if letters != known.language and (letters != MAY_BE.get(known.language) or surely_russian(reading.text)):
            return letters, True
    return known.language, False


def shown_in(language: str, memory: Memory, city: City) -> str:
    """The language that an answer comes in: English to a handset that shows no marks, where the language has no other form."""
    is_shown = not memory.plain or language in PLAIN_AS_IT_IS or language in city.plain
    return language if is_shown else ENGLISH

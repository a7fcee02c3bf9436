"""One text while it is read: its words with and without courtesy, and the language they are in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from subscribers.dialog.hearing import Said, listen
from subscribers.dialog.intent import Kind, Reading
from subscribers.dialog.lexicon import Family, Lexicon
from subscribers.dialog.stopping import peeled

LONG: Final = 40  # characters: free text of more is answered as if somebody might be in danger
SHARED_LETTERS: Final = {"ru": ("uk",), "zh-Hant": ("ja",)}  # what a script alone may have taken for another language
OWN_LETTERS: Final = {"uk": ("ru",), "ja": ("zh-Hant",)}  # letters of the one tell more than a word that the other has as well


@dataclass(frozen=True, slots=True)
class Ear:
    """One text while it is read. bare: without please and thanks around it. labels: of the person's own places."""

    base: Reading
    said: Said
    bare: Said
    lexicon: Lexicon
    labels: frozenset[str]

    def language(self, languages: tuple[str, ...]) -> str:
        """Of the languages that have a word: the one its letters are of, else English, else the first; for none the text's
        own."""
        if not languages:
            return self.base.language
        script = self.said.script
        likely = next((tag for tag in (script, *SHARED_LETTERS.get(script, ()), "en") if tag in languages), languages[0])
        return script if likely in OWN_LETTERS.get(script, ()) else likely

    def word(self, family: Family) -> tuple[str, ...]:
        """The languages in which the whole message is a word of the family, with or without please and thanks."""
        return self.lexicon.languages_of(family, self.said) or self.lexicon.languages_of(family, self.bare)

    def courtesies(self) -> Sequence[str]:
        """The pieces of a text that is courtesy through and through; none for any other text."""
        tokens, pieces, at = self.said.tokens, [], 0
        while length := self.lexicon.families[Family.COURTESY].leading(tokens, at):
            pieces.append(" ".join(tokens[at : at + length]))
            at += length
        return pieces if at == len(tokens) else ()

    def found(self, kind: Kind, languages: tuple[str, ...] = ()) -> Reading:
        is_sure = len(languages) <= 1 or self.said.script in OWN_LETTERS
        return replace(self.base, kind=kind, language=self.language(languages), sure=is_sure)


def hear(text: str, lexicon: Lexicon, labels: frozenset[str]) -> Ear:
    said = listen(text)
    language = _greeted(said, lexicon) or said.script
    is_long = len(said.written) > LONG
    base = Reading(kind=Kind.WORDS, text=said.written, language=language, script=said.script, long=is_long)
    return Ear(base, said, peeled(said, lexicon, (Family.COURTESY,), (Family.COURTESY,)), lexicon, labels)


def _greeted(said: Said, lexicon: Lexicon) -> str:
    """The language of a greeting where the letters are of several languages, or of none in particular; "" for none. In such
    letters thanks tell as much: "дякую"."""
    shared = SHARED_LETTERS.get(said.script, ())
    for family in (Family.GREETING, Family.COURTESY) if shared else (Family.GREETING,) if not said.script else ():
        word = lexicon.within(family, said)
        languages = lexicon.families[family].of(word) if word else ()
        if languages and said.script not in languages:
            heard = "en" if "en" in languages else languages[0]
            return heard if not said.script or heard in shared else ""
    return _thanked(said, lexicon) if not said.script else ""


def _thanked(said: Said, lexicon: Lexicon) -> str:
    """The language of the please or thanks that a text in plain letters begins or ends with: "Lents por favor". In the middle
    such a word may belong to a name."""
    courtesy = lexicon.families[Family.COURTESY]
    first, last = courtesy.leading(said.tokens), courtesy.trailing(said.tokens)
    ends = (said.tokens[:first], said.tokens[len(said.tokens) - last :])
    found = [courtesy.of(" ".join(end)) for end in ends if end]
    return next((languages[0] for languages in found if "en" not in languages), "")

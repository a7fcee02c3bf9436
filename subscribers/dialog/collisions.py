"""Words that mean two things once case and accents are gone, in one language or across all of them, and which of them is meant.

Each collision is resolved by a rule that somebody has written down here, or `unresolved` says so and a test fails.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from subscribers.dialog.intent import Kind
from subscribers.dialog.lexicon import ORDER, TOPIC, Family, Lexicon
from subscribers.dialog.phrases import Phrases
from subscribers.dialog.reading import LEADING, WHOLE, read

LABEL: Final = "label"
NAME: Final = "names"

# What a whole message of a family is read as.
READ_AS: Final[Mapping[str, Kind]] = {
    **{family.value: kind for family, kind in (WHOLE | LEADING).items()},
    Family.STOP: Kind.STOP,
    Family.STOP_ALONE: Kind.STOP,
    Family.HELP: Kind.HELP,
    Family.DISTRESS: Kind.DISTRESS,
    Family.DISTRESS_ALONE: Kind.DISTRESS,
    Family.WRONG: Kind.WRONG,
    Family.DELETE: Kind.DELETE,
    Family.YES: Kind.YES,
    Family.NO: Kind.NO,
    Family.NAMES: Kind.LANGUAGE,
    Family.UNSPOKEN: Kind.UNSPOKEN,
    Family.GREETING: Kind.GREETING,
    TOPIC: Kind.TOPIC,
}
# Two meanings of one word, the one that is meant first, and why that harms nobody.
RESOLVED: Final[Mapping[tuple[str, str], str]] = {
    (
        Family.STOP,
        Family.YES,
    ): "Yes while a question waits for it, and the answer names STOP; stop at any other time. With its accents "
    "it is what it says.",
    (Family.STOP_ALONE, Family.REMOVE): "Alone it asks to be taken off, which is a stop; with a place beside it, remove.",
    (
        Family.WRONG,
        Family.NO,
    ): "No while a question about a place waits for it; a wrong number at any other time, and whenever the yearly check asks.",
    (
        Family.DELETE,
        Family.REMOVE,
    ): "Alone it is delete, which asks before it deletes anything; with a place behind it, remove.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """One folded word that several lists claim. meanings: what they mean by it, with the languages that do; the one that is
    meant first. spellings: how each writes it. resolved: why the first is right; "" while nobody has said so."""

    word: str
    meanings: tuple[tuple[str, tuple[str, ...]], ...]
    spellings: tuple[str, ...]
    resolved: str


def collisions(lexicon: Lexicon) -> tuple[Collision, ...]:
    """All of them, by word."""
    found = [*_claimed(lexicon), *_shadowed(lexicon), *_two_meanings(lexicon)]
    return tuple(sorted(found, key=lambda one: one.word))


def unresolved(found: Sequence[Collision]) -> tuple[str, ...]:
    """A sentence for each collision that no rule resolves."""
    return tuple(f"{one.word!r} could mean {meanings(one)}; no rule says which." for one in found if not one.resolved)


def meanings(one: Collision) -> str:
    return ", ".join(f"{meaning} ({', '.join(languages)})" if languages else meaning for meaning, languages in one.meanings)


def _lists(lexicon: Lexicon) -> dict[str, Phrases]:
    return {**{family.value: lexicon.families[family] for family in ORDER}, TOPIC: lexicon.topic_words}


def _claimed(lexicon: Lexicon) -> Iterator[Collision]:
    """Words in two lists that are read as different things."""
    lists = _lists(lexicon)
    for word, claims in lexicon.apart.items():
        names = list(claims)
        if len({READ_AS[name] for name in names}) == 1:
            continue
        reasons = {RESOLVED.get((names[0], other), "") for other in names[1:]}
        yield Collision(
            word=word,
            meanings=tuple((name, lists[name].languages[word]) for name in names),
            spellings=tuple(sorted({spelling for forms in claims.values() for spelling in forms})),
            resolved=" ".join(sorted(reasons)) if "" not in reasons else "",
        )


def _shadowed(lexicon: Lexicon) -> Iterator[Collision]:
    """Words of one list that are read as something else because of a word or phrase of another inside them."""
    for name, listed in _lists(lexicon).items():
        for word, languages in listed.languages.items():
            if word in lexicon.apart:
                continue
            kind = read(word, lexicon).kind
            if kind is not READ_AS[name]:
                yield Collision(
                    word=word,
                    meanings=((kind.value, ()), (name, languages)),
                    spellings=tuple(sorted(listed.spellings[word])),
                    resolved=RESOLVED.get((kind.value, name), ""),
                )


def _two_meanings(lexicon: Lexicon) -> Iterator[Collision]:
    """Words for two labels or two languages: the first language's is taken, so there should be none."""
    names = lexicon.families[Family.NAMES]
    for word, languages in names.languages.items():
        if len(languages) > 1:
            yield Collision(word=word, meanings=((NAME, languages),), spellings=tuple(names.spellings[word]), resolved="")


def page(found: Sequence[Collision]) -> str:
    """The collisions as a Markdown page. docs/dialog-collisions.md is this, and a test says so."""
    lines = [
        "# Words of the text dialog that mean two things",
        "",
        "Residents text in any language at any time, mostly without accents. Once case and accents are gone, some words are",
        "other words as well, in their own language or in another. These are all of them, with what is understood.",
        "`tocsin dialog words --markdown` writes this page.",
        "",
        "| word | written | could mean | understood |",
        "|---|---|---|---|",
    ]
    for one in found:
        lines.append(f"| {one.word} | {', '.join(one.spellings)} | {meanings(one)} | {one.resolved or 'NOT RESOLVED'} |")
    return "\n".join(lines) + "\n"

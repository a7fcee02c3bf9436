"""A language nobody speaks, to see what no translator should have to find: text cut off, not escaped, or never asked for.

Each message is its English with marks on its letters, a third longer, between brackets, with the three letters that HTML must
escape. What a page shows outside brackets is text that translators never see. Pure.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from notify.wording.words import Words

TAG: Final = "en-x-pseudo"
OPEN, SHUT, ESCAPED = "⟦", "⟧", "<&>"
_MARKED: Final = str.maketrans("AEIOUYaeiouycnsz", "ÀÉÎÕÜÝàéîõüýçñšž")
_SLOT: Final = re.compile(r"(%\(\w+\)s)")


def said(text: str) -> str:
    """The message in the pseudo-language; its slots as they were, its lines as many."""
    *above, last = text.split("\n")
    if not above or not _SLOT.fullmatch(last):
        return _line(text)
    return "\n".join([*map(_line, above), last])  # a link stands alone on the last line


def _line(line: str) -> str:
    marked = "".join(part if _SLOT.fullmatch(part) else part.translate(_MARKED) for part in _SLOT.split(line))
    letters = len(_SLOT.sub("", line))
    return f"{OPEN}{marked}{'~' * (letters // 3)}{ESCAPED}{SHUT}"


def added(words: Words) -> Words:
    """The words with the pseudo-language beside the others, promised everything."""
    translated = {context: said(message.text) for context, message in words.messages.items()}
    promised = {folder: {kind: [*there, TAG] for kind, there in kinds.items()} for folder, kinds in words.promised.items()}
    return replace(words, translations={**words.translations, TAG: translated}, promised=promised)


def problems(text: str, values: Iterable[str]) -> list[str]:
    """What is wrong with a text in the pseudo-language, as sentences: brackets that do not close, and words outside them that
    are none of the values filled in."""
    found = []
    if text.count(OPEN) != text.count(SHUT):
        found.append(f"Something was cut off: {text[:60]!r}.")
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, " ")
    depth, outside = 0, []
    for letter in text:
        depth += (letter == OPEN) - (letter == SHUT)
        if not depth and letter != SHUT:
            outside.append(letter)
    bare = "".join(outside)
    found += [f"Nobody was asked to translate {word!r}." for word in re.findall(r"[^\W\d_]{2,}", bare)]
    return found

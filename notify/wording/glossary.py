"""Words that every translation must say the same way: templates/glossary.toml against the catalogues."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from notify.wording.words import Words


def read(templates: Path) -> Mapping[str, Mapping[str, Any]]:
    """Term -> its English pattern and the forms of each language. Raises OSError and ValueError."""
    found: Mapping[str, Mapping[str, Any]] = tomllib.loads((templates / "glossary.toml").read_text("utf-8"))
    for term in found.values():
        re.compile(term["english"])
    return found


def problems(words: Words, language: str = "") -> Iterator[str]:
    """The messages whose English has a locked term and whose translation has none of its forms; of one language, if named."""
    for term, held in read(words.templates).items():
        english = re.compile(held["english"])
        concerned = [context for context, message in words.messages.items() if english.search(message.text)]
        for other in words.translations if not language else [language]:
            if forms := held.get(other):
                for context in concerned:
                    text = words.text(context, other)
                    if text is not None and not any(form in text.casefold() for form in map(str.casefold, forms)):
                        yield f"{context} in {other} has none of the words for {term}: {', '.join(forms)}."

"""What the city's own call centre reads in at the front of its line, where calls stay there (the shape "desk")."""

from collections.abc import Mapping

from notify.wording.slots import ENGLISH
from notify.wording.words import placeholders
from surge.voice.prompts import Prompt, Speech


def announcement(messages: Mapping[str, Prompt], speech: Speech, *, drill: bool = False) -> Mapping[str, str]:
    """Text to be read aloud, by language, English first: the way to 911, then the city's message. A person reads it, so no
    voice is needed; our own sentence in that language is, so that no text is put together from two."""
    found = {}
    for language in sorted(messages, key=lambda tag: (tag != ENGLISH, tag)):
        phrases = speech.texts.get(language, {})
        keys = ("voice.way_out_dial", "voice.exercise") if drill else ("voice.way_out_dial",)
        words = messages[language].words.strip()
        if words and all(key in phrases and not placeholders(phrases[key]) for key in keys):
            found[language] = " ".join([*(phrases[key].replace("9 1 1", "911") for key in keys), *words.split()])
    return found

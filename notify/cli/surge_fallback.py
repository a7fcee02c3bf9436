"""`tocsin surge fallback`: what callers of 311 hear while this service is away, to be laid down with the telephone provider."""

import sys
from contextlib import closing

from notify import city, data
from notify.cli.admin import opened
from notify.cli.say import Json, errors, refuse, sentences, show
from notify.wiring import reviews as stored
from notify.wording import reviews, words
from surge import pack
from surge.voice import prompts, voice_fallback


def fallback(json: Json = False) -> None:
    """Prints the document that a number of 311 falls back to when nobody answers here: paste it where the provider keeps
    documents, and name it as the number's fallback. Print it anew after each change of surge.toml or of its words."""
    with sentences():
        settings, db = opened()
        with closing(db):
            given = reviews.arrange(db.read_now(stored))
        folder = city.find(settings.city, data.folder("city"))
        try:
            found = pack.load(folder)
        except city.BadPack as error:
            refuse(error.problems)
        if problems := [*pack.problems(found, settings.mode), *pack.unheard(found, settings.mode)]:
            refuse(problems)
        known = words.load(data.folder("templates"))
        speech = prompts.speech(known, given, found, allow_drafts=settings.sends_drafts)
    written = voice_fallback.document(found, speech).decode()
    notes = voice_fallback.problems(found)
    if json:
        spoken = list(voice_fallback.languages(found, speech))
        show({"number": found.number, "languages": spoken, "document": written, "problems": notes}, json)
        return
    sys.stdout.write(f"{written}\n")
    for note in notes:
        errors.print(note, markup=False)

"""What languages are called in English, for agents and for callers nobody can greet in theirs."""

from babel import Locale, UnknownLocaleError

from surge.pack import ANY_OTHER


def name(language: str) -> str:
    if language == ANY_OTHER:
        return "another language"
    try:
        return str(Locale.parse(language, sep="-").get_language_name("en") or language)
    except (UnknownLocaleError, ValueError):
        return language

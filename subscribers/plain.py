"""The form of a language without marks, for old handsets: how it is named beside the language wherever an address says both."""

from typing import Final

PLAIN_TAG: Final = "-x-plain"  # BCP 47, private use: "ro-x-plain"


def tagged(language: str, *, plain: bool) -> str:
    """What an address keeps, a ledger row says and a text is filed under."""
    return f"{language}{PLAIN_TAG}" if plain and language else language


def spoken(language: str) -> str:
    """The language itself: "ro" for "ro-x-plain"."""
    return language.removesuffix(PLAIN_TAG)


def is_plain(language: str) -> bool:
    return language.endswith(PLAIN_TAG)

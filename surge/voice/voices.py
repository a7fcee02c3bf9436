"""What the telephone provider speaks with: the voices it has for each language, and its limits. Facts of the provider: tables.

A voice is used only where the city names it and somebody who speaks the language has listened to it reading the city's words.
Voices: https://www.twilio.com/docs/voice/twiml/say/text-speech (Amazon Polly and Google, without extra agreement).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from pydantic import ConfigDict

MOST_IN_QUEUE: Final = 1_000  # an account's default for <Enqueue>; it may be raised to 5,000
MOST_DIALS_PER_S: Final = 100.0  # accounts start with 1
DIAL_TIMEOUT_S: Final = (5, 600)  # what <Dial timeout> takes
LONGEST_CALL_S: Final = 4 * 3600

# language -> voice -> the tag that <Say language> wants. Lao and Somali have none: recorded, or an interpreter is called up.
LISTED: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {"Polly.Joanna-Neural": "en-US", "Polly.Matthew-Neural": "en-US", "Polly.Joanna": "en-US"},
    "es": {"Polly.Lupe-Neural": "es-US", "Polly.Lupe": "es-US", "Polly.Penelope": "es-US", "Polly.Mia": "es-MX"},
    "vi": {"Google.vi-VN-Standard-A": "vi-VN", "Google.vi-VN-Wavenet-A": "vi-VN"},
    "zh-Hant": {"Polly.Zhiyu": "cmn-CN", "Google.cmn-TW-Standard-A": "cmn-TW", "Google.yue-HK-Standard-A": "yue-HK"},
    "ru": {"Polly.Tatyana": "ru-RU", "Polly.Maxim": "ru-RU"},
    "uk": {"Google.uk-UA-Standard-A": "uk-UA", "Google.uk-UA-Wavenet-A": "uk-UA"},
    "ro": {"Polly.Carmen": "ro-RO"},
    "ar": {"Polly.Zeina": "arb", "Google.ar-XA-Standard-A": "ar-XA"},
    "ja": {"Polly.Mizuki": "ja-JP", "Polly.Takumi-Neural": "ja-JP"},
    "ko": {"Polly.Seoyeon": "ko-KR", "Polly.Seoyeon-Neural": "ko-KR"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """reviewed, by: when somebody who speaks the language, by role, heard it read the city's words and found it right."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    voice: str
    reviewed: date | None = None
    by: str = ""


def problem(language: str, voice: Voice) -> str:
    """Why the provider cannot speak this language so, as a sentence; "" when it can."""
    listed = LISTED.get(language, {})
    if voice.voice in listed:
        return ""
    if not listed:
        return f"voices: the provider has no voice listed for {language}; record its words instead."
    return f"voices: {voice.voice} is not listed for {language}; listed are {', '.join(listed)}."


def is_url(address: str) -> bool:
    """Whether the provider may be sent there for a recording."""
    parts = urlsplit(address)
    return parts.scheme == "https" and bool(parts.hostname) and not any(letter.isspace() for letter in address)

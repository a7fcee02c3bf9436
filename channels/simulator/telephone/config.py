"""How the simulated telephone is set up."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from channels.simulator.numbers import FICTIONAL
from channels.simulator.telephone.twiml import BadTwiml, read

SIP: Final = re.compile(r"sips?:[\w.+-]+@[\w.-]+(?::\d+)?")
FASTEST: Final = 100_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceNumber:
    """A number that people call. `url` is asked for its TwiML, with POST; when that fails `fallback_url` is, and when that
    fails too or there is none, `fallback_document` is followed, TwiML that no application has to be alive for. `status_url`
    is told when a call to the number has ended."""

    number: str
    url: str
    fallback_url: str = ""
    fallback_document: str = ""
    status_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What becomes of calls to numbers that no script speaks for. Shares of all numbers, 0 to 1, at most 1 together; who is
    left answers after `answers_after_s` seconds."""

    busy: float = 0.0
    no_answer: float = 0.0
    failed: float = 0.0
    machine: float = 0.0
    answers_after_s: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TelephoneConfig:
    """`speed` simulated seconds pass in a real one: 60 plays an hour in a minute. Above 1, time stands still while `at_once`
    webhooks wait for their answers. `begins_at`, seconds since 1970, is when a replayed day begins: calls bear its dates and
    not the real ones. What the application may take over a webhook, `webhook_limit_s`, is real time. Outbound calls made over
    REST leave at `calls_per_s`; so many as `most_queued` may wait, a further one is refused with 429. `shuffled` is the share
    of calls whose status callbacks come out of order. `plays_s` are lengths of recordings by URL, for those that are no WAV
    file."""

    numbers: tuple[VoiceNumber, ...] = ()
    speed: float = 1.0
    begins_at: float | None = None
    at_once: int = 64
    webhook_limit_s: float = 15.0
    calls_per_s: float = 1.0
    most_queued: int = 1_000
    queue_maximum: int = 1_000
    words_per_minute: float = 150.0
    play_s: float = 10.0
    plays_s: Mapping[str, float] = field(default_factory=dict)
    shares: Shares = field(default_factory=Shares)
    shuffled: float = 0.0
    seed: str = "tocsin"


def problems(config: TelephoneConfig, may_call: Mapping[str, bool]) -> list[str]:
    """Why this set-up cannot run, one sentence each. may_call: which of the URLs the simulator may post to."""
    found = [_number_problem(one.number) for one in config.numbers if not FICTIONAL.fullmatch(one.number)]
    if len({one.number for one in config.numbers}) != len(config.numbers):
        found.append("A voice number is listed twice.")
    found += [f"{url} cannot be asked: its host is not one of the callback hosts." for url in urls(config) if not may_call[url]]
    limits = {
        "speed": (config.speed, FASTEST),
        "calls_per_s": (config.calls_per_s, 1_000.0),
        "webhook_limit_s": (config.webhook_limit_s, 15.0),
        "words_per_minute": (config.words_per_minute, 1_000_000.0),
    }
    found += [
        f"{name} must be above 0 and at most {most:g}." for name, (value, most) in limits.items() if not 0 < value <= most
    ]
    if not 1 <= config.queue_maximum <= 5_000:
        found.append("A queue holds 1 to 5,000 calls.")
    if config.at_once < 1:
        found.append("at_once must be 1 or more.")
    if config.most_queued < 0:
        found.append("most_queued must be 0 or more.")
    for number in config.numbers:
        try:
            read(number.fallback_document.encode() or b"<Response/>")
        except BadTwiml as error:
            found.append(f"The fallback document of {number.number} cannot be followed. {error}")
    return found + _share_problems(config)


def urls(config: TelephoneConfig) -> Collection[str]:
    """All addresses the set-up names."""
    named = ((one.url, one.fallback_url, one.status_url) for one in config.numbers)
    return tuple(url for urls in named for url in urls if url)


def _number_problem(number: str) -> str:
    return f"The voice number {number} does not lie in exchange 555."


def _share_problems(config: TelephoneConfig) -> list[str]:
    shares = (config.shares.busy, config.shares.no_answer, config.shares.failed, config.shares.machine)
    found = []
    if min(shares) < 0 or sum(shares) > 1:
        found.append("The shares of numbers that do not answer must be 0 or more and add up to at most 1.")
    if not 0 <= config.shuffled <= 1:
        found.append("shuffled must be a share from 0 to 1.")
    return found

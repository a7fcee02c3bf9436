"""What would be sent if this draft went out now: people, parts, cost and time by language and channel. Pure."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from notify.alerts.progress import finishes_at, senders_needed
from notify.sending import coupling
from notify.wording.fallback import Step
from notify.wording.render import Rendering
from notify.wording.slots import ENGLISH, PLAIN
from subscribers.plain import spoken

WITHIN: Final = (timedelta(minutes=30), timedelta(minutes=60))

Crowd = Mapping[tuple[str, str, str], int]  # (channel, wording, language) -> people

NOT_NOW: Final = "not all of them now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What there is to send with. rates: segments (or mails) per second of each sender, by channel; inf for no limit.
    cost_per_segment in US dollars. texts_wait: some wait for morning or for room; nobody knows when the last leaves."""

    rates: Mapping[str, Sequence[float]]
    cost_per_segment: float
    texts_wait: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One text to one group of people."""

    channel: str
    wording: str
    language: str
    written_in: str
    step: str
    people: int
    encoding: str
    units: int
    parts: int
    segments: int
    cost: float


def rows(rendering: Rendering, people: Crowd, cost_per_segment: float) -> list[Row]:
    """One row for each channel, wording and language that anybody gets, the most people first."""
    found = []
    for (channel, wording, language), count in people.items():
        key = _key(rendering, f"{channel}/{wording}", language)
        size = rendering.measures.get(key)
        parts = size.parts if size else 1
        segments = parts * count if channel == "sms" else 0
        is_known = not key.endswith(f"/{ENGLISH}") or language == ENGLISH
        step = rendering.step_of.get(key, Step.ENGLISH) if is_known else Step.ENGLISH
        found.append(
            Row(
                channel=channel,
                wording=wording,
                language=language,
                written_in=ENGLISH if step is Step.ENGLISH else language,
                step=step.value,
                people=count,
                encoding=size.encoding.value if size else "",
                units=size.units if size else 0,
                parts=parts,
                segments=segments,
                cost=round(segments * cost_per_segment, 2),
            )
        )
    return sorted(found, key=lambda row: (row.channel, -row.people, row.wording, row.language))


def _key(rendering: Rendering, path: str, language: str) -> str:
    """The content people of this language get; English where the city has dropped a language they once asked for."""
    keys = (f"{path}/{one}" for one in (language, spoken(language)))
    return next((key for key in keys if key in rendering.contents), f"{path}/{ENGLISH}")


def summary(table: Sequence[Row], means: Means, now: datetime, show_time: Callable[[datetime], str]) -> list[str]:
    """The lines beside the send button. show_time writes a moment in the city's own time."""
    lines = []
    segments = sum(row.segments for row in table)
    for channel in sorted({row.channel for row in table}):
        people = sum(row.people for row in table if row.channel == channel)
        units = segments if channel == "sms" else people
        rates = means.rates.get(channel, ())
        finish = _finish(units, rates, now, show_time) if not rates or channel != "sms" or not means.texts_wait else NOT_NOW
        lines.append(f"{channel}: {people:,} people, {finish}")
    if segments:
        lines.append(f"SMS segments: {segments:,}, cost about ${segments * means.cost_per_segment:,.2f}")
        lines += _needed(segments, means.rates.get("sms", ()))
    fallen = Counter[str]()
    for row in table:
        if row.step != Step.OWN and row.language != "en":
            fallen[f"{row.language} in {'English' if row.step == Step.ENGLISH else 'generic words'}"] += row.people
    lines += [f"Falls back: {count:,} people read {what}." for what, count in fallen.most_common()]
    return lines


def slowest(table: Sequence[Row], rates: Sequence[float], now: datetime, show_time: Callable[[datetime], str]) -> str:
    """What it may cost that texts slow down while 311's callers wait, as a sentence; "" without texts, or a rate to slow."""
    units = sum(row.segments for row in table)
    usual, latest = finishes_at(now, units, rates), coupling.longest(units, rates)
    if not units or usual is None or latest is None:
        return ""
    return (
        f"Slows with 311: at least {sum(rates) * coupling.FLOOR:g} segments/s while callers wait {coupling.STEPS[0][0] / 60:g} "
        f"min or more; done {show_time(now + latest)} at latest, not {show_time(usual)}."
    )


def shorter_saves(table: Sequence[Row], rendering: Rendering, rates: Sequence[float]) -> str:
    """What the one-part form of the first alert would save, as a sentence; "" when there is none or no rate to save on."""
    rate = sum(rates)
    if not rates or math.isinf(rate):
        return ""
    saved = 0
    for row in table:
        short = rendering.measures.get(_key(rendering, "sms/short", row.language))
        if row.channel == "sms" and row.wording == "first" and short is not None and short.parts < row.parts:
            saved += (row.parts - short.parts) * row.people
    minutes = saved / rate / 60
    return f"The one-part form (short: true) saves {saved:,} segments, {minutes:,.0f} minutes." if saved else ""


def dear_letters(rendering: Rendering) -> list[str]:
    """A sentence for each letter typed by staff that makes texts dearer which are plain GSM-7 without it."""
    letters: dict[tuple[str, str, str], set[str]] = {}
    for key, size in rendering.measures.items():
        language = rendering.contents[key].language
        for one in size.culprits if language in PLAIN else ():
            letters.setdefault((one.character, one.name, one.suggestion), set()).add(language)
    return [
        f"The letter '{character}' ({name}) makes each text in {', '.join(sorted(languages))} cost more"
        + (f": {suggestion}." if suggestion else ".")
        for (character, name, suggestion), languages in letters.items()
    ]


def _finish(units: int, rates: Sequence[float], now: datetime, show_time: Callable[[datetime], str]) -> str:
    if not rates:
        return "NO SENDER: nothing would leave"
    end = finishes_at(now, units, rates)
    if end is None:
        return "as fast as the relay takes them"
    return f"done {show_time(end)} ({_long(end - now)}) at {sum(rates):g}/s"


def _needed(segments: int, rates: Sequence[float]) -> list[str]:
    finite = [rate for rate in rates if not math.isinf(rate)]
    if not finite:
        return []
    best = max(finite)
    counts = ", ".join(
        f"{senders_needed(segments, within, best)} for {within.total_seconds() / 60:.0f} minutes" for within in WITHIN
    )
    return [f"Senders of {best:g} segments/s needed: {counts}"]


def _long(duration: timedelta) -> str:
    minutes = math.ceil(duration.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"

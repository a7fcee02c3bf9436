"""The surge half of the after-action report: what happened to everybody who turned to the city, as sections of counts that a
page, a table and a program print alike. No person is in it."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from surge.contact import Contact, Way
from surge.floor.callback import State
from surge.floor.queue import Place
from surge.numbers import agent_time, costs, groups, outcomes, rights
from surge.numbers.costs import PUBLISHED, Channel, Rates
from surge.numbers.forecast import NotMeasured, Span
from surge.numbers.measures import Share, abandonment, counts, little, service_levels, waits
from surge.numbers.outcomes import AgentTime, Graded, Promised
from surge.numbers.relief import Answering, Counterfactual, Load, Loads, Moved
from surge.numbers.rights import Request
from surge.numbers.sections import Between, Count, Lasting, Line, Part, Said, Section

THRESHOLDS: Final = (timedelta(seconds=20), timedelta(seconds=60), timedelta(minutes=5))
HEADLINE: Final = timedelta(seconds=60)  # "in time" in the tables by language and area
HOUR: Final = timedelta(hours=1)
NOT_IMPORTED: Final = NotMeasured(why="No minutes of 911 were imported.")
DOLLARS: Final = "dollars"
SIMULATED: Final = "911's minutes are simulated."


@dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """R1 to R4 and 911's own answering; each stands by itself. simulated: 911's minutes are made up, and the report says so."""

    moved: Moved
    calls: Counterfactual | NotMeasured = NOT_IMPORTED
    load: Load | Loads | NotMeasured = NOT_IMPORTED
    answering: Answering | NotMeasured = NOT_IMPORTED
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Everything that the report is made of. contacts: all that were offered within span, of one activation, drills apart.
    places: by contact id, for whoever queued. agents: empty where nobody measured their time."""

    span: Span
    now: datetime
    contacts: Sequence[Contact]
    relief: Relief
    places: Mapping[str, Place] = field(default_factory=dict)
    callbacks: Sequence[Promised] = ()
    agents: Sequence[AgentTime] = ()
    grades: Sequence[Graded] = ()
    requests: Sequence[Request] = ()
    rates: Rates = PUBLISHED


def report(happened: Happened) -> tuple[Section, ...]:
    contacts, called = happened.contacts, outcomes.reached(happened.callbacks)
    by_language = groups.groups(contacts, groups.language)
    by_area = groups.groups(contacts, groups.area)
    return (
        Section(name="contacts", lines=tuple(_contacts(contacts))),
        Section(name="service", lines=tuple(_service(contacts))),
        Section(name="waits", lines=tuple(_waits(contacts))),
        Section(name="people", lines=tuple(_people(contacts, happened.grades, called))),
        Section(name="callbacks", lines=tuple(_callbacks(happened))),
        Section(name="languages", lines=groups.lines(by_language, HEADLINE, called)),
        Section(name="areas", lines=groups.lines(by_area, HEADLINE, called)),
        Section(name="agents", lines=tuple(_agents(happened))),
        Section(name="relief", lines=tuple(relief_lines(happened.relief))),
        Section(name="costs", lines=tuple(_costs(contacts, happened.rates, called))),
        Section(name="rights", lines=rights.lines(contacts, by_language, happened.requests, called)),
        Section(name="checks", lines=tuple(checks(contacts, happened.span, happened.now))),
    )


def _contacts(contacts: Collection[Contact]) -> Iterator[Line]:
    found = counts(contacts)
    for name in found.__slots__:
        yield Line(name=name, value=Count(number=getattr(found, name)))
    ways = Counter(one.way for one in contacts)
    for way in Way:
        yield Line(name="offered_by_way", about=way, value=Count(number=ways[way]))


def _service(contacts: Collection[Contact]) -> Iterator[Line]:
    """The same calls under the four definitions in use; the first is the one to go by."""
    for within in THRESHOLDS:
        levels, about = service_levels(contacts, within), f"{within.total_seconds():.0f} s"
        yield Line(name="answered_of_queued", about=about, value=Part(share=levels.offered, whole="queued"))
        whole = "queued, short hang-ups left out"
        yield Line(name="answered_of_queued_not_short", about=about, value=Part(share=levels.without_short, whole=whole))
        yield Line(name="answered_of_answered", about=about, value=Part(share=levels.answered, whole="answered"))
        whole = "answered or hung up"
        yield Line(name="answered_or_gone_in_time", about=about, value=Part(share=levels.with_abandoned, whole=whole))


def _waits(contacts: Collection[Contact]) -> Iterator[Line]:
    found = waits(contacts)
    gone = sum(one.waited is not None for one in contacts)
    answered = sum(one.waited is not None and one.answered_at is not None for one in contacts)
    yield Line(
        name="mean_wait_of_answered",
        value=Lasting(after=found.answered_mean, people=answered),
        note="Refusing callers makes it shorter; read it beside the next one.",
    )
    for name, after in (
        ("mean_wait_of_everybody", found.everybody_mean),
        ("median_wait_of_everybody", found.everybody_median),
        ("wait_of_90_percent", found.everybody_p90),
        ("longest_wait", found.longest),
    ):
        yield Line(name=name, value=Lasting(after=after, people=gone))
    yield Line(name="abandonment", value=Part(share=abandonment(contacts), whole="queued, short hang-ups left out"))


def _people(contacts: Collection[Contact], grades: Sequence[Graded], called: Collection[str]) -> Iterator[Line]:
    yield Line(name="access", value=Part(share=outcomes.access(contacts, called), whole="callers"))
    first = outcomes.first_contact(contacts, called)
    yield Line(name="people_with_a_number", value=Count(number=first.people))
    yield Line(name="attempts_of_people_with_a_number", value=Count(number=first.attempts))
    yield Line(name="answered_by_first_contact", value=Part(share=first.once, whole="people answered"))
    said = outcomes.satisfaction(grades)
    yield Line(name="satisfaction_answers", value=Part(share=said.answered, whole="asked"))
    yield Line(name="satisfaction_good", value=Part(share=said.good, whole="answers"))
    for grade, number in said.each.items():
        yield Line(name="satisfaction_grade", about=str(grade), value=Count(number=number))


def _callbacks(happened: Happened) -> Iterator[Line]:
    found = outcomes.promises(happened.callbacks, happened.now)
    yield Line(name="callbacks_asked", value=Count(number=found.asked))
    yield Line(name="promise_kept", value=Part(share=found.kept, whole="promises due"))
    yield Line(name="callback_reached", value=Part(share=found.reached, whole="promises due"))
    yield Line(name="late_by", value=Lasting(after=found.late, people=found.late_people))
    for state in State:
        if found.states.get(state):
            yield Line(name="callbacks_now", about=state, value=Count(number=found.states[state]))
    most = outcomes.most_overtaken(happened.contacts, happened.places)
    yield Line(name="most_overtaken_by", value=Count(number=most))


def _agents(happened: Happened) -> Iterator[Line]:
    mean, answered = outcomes.handling(happened.contacts)
    yield Line(name="handling_time", value=Lasting(after=mean, people=answered))
    agents = happened.agents
    if not agents:
        yield Line(name="occupancy", value=Said(words="Not measured: nobody's time at a desk was recorded."))
        return
    yield Line(name="agents", value=Count(number=len(agents)))
    if len(agents) < agent_time.FEWEST:
        words = f"Not shown: of fewer than {agent_time.FEWEST} agents it would be one person's time."
        yield Line(name="occupancy", value=Said(words=words))
        return
    share = outcomes.occupancy(agents)
    note = "Talking, wrapping up and reserved; a mean of everybody, nobody's own."
    yield Line(name="occupancy", value=Part(share=share, whole="seconds signed in, breaks left out"), note=note)
    signed_in = sum((one.signed_in for one in agents), timedelta())
    yield Line(name="signed_in", value=Lasting(after=signed_in / len(agents), people=len(agents)))
    spent = agent_time.seconds(agents)
    for name, part in spent.items():
        share = Share(part=part, whole=sum(spent.values()))
        yield Line(name=name, value=Part(share=share, whole="seconds signed in"))


def relief_lines(relief: Relief) -> Iterator[Line]:
    yield Line(name="r1_gross", value=Count(number=relief.moved.gross), note="Contacts that 911 handed to 311.")
    yield Line(name="r2_returned", value=Count(number=relief.moved.returned), note="Contacts that 311 handed to 911.")
    yield Line(name="r_net", value=Count(number=relief.moved.net), signed=True)
    of_911 = (_calls(relief.calls), *_load(relief.load), *_answering(relief.answering))
    yield from (_marked(line) for line in of_911) if relief.simulated else of_911


def _answering(answering: Answering | NotMeasured) -> Iterator[Line]:
    if isinstance(answering, NotMeasured):
        yield Line(name="answering_of_911", value=Said(words=f"Not measured: {answering.why}"))
        return
    for seconds, target, share in answering.within:
        note = f"The standard is {target:.0%} (NENA-STA-020.1-2020)."
        part = Part(share=share, whole="911 calls offered")
        yield Line(name="answering_of_911", about=f"{seconds} s", value=part, note=note)


def _marked(line: Line) -> Line:
    return replace(line, note=f"{line.note} {SIMULATED}".strip())


def _calls(calls: Counterfactual | NotMeasured) -> Line:
    if isinstance(calls, NotMeasured):
        return Line(name="r3_calls_that_did_not_come", value=Said(words=f"Not measured: {calls.why}"))
    basis = calls.basis
    sure = "" if calls.certain else " The interval holds 0: chance alone may be all of it."
    note = (
        f"{basis.expected:,.0f} expected from {basis.weeks} clean weeks, {basis.observed:,} observed, over {basis.minutes:,} "
        f"of {basis.asked:,} minutes; 95 % interval, quasi-Poisson with dispersion {basis.dispersion:.1f}.{sure}"
    )
    value = Between(low=calls.low, high=calls.high, best=calls.calls, unit="calls")
    return Line(name="r3_calls_that_did_not_come", value=value, note=note, signed=True)


def _load(load: Load | Loads | NotMeasured) -> Iterator[Line]:
    if isinstance(load, NotMeasured):
        yield Line(name="r4_load", value=Said(words=f"Not measured: {load.why}"))
        return
    low, high = (load.low, load.high) if isinstance(load, Loads) else (load, load)
    own = "911's own load was not imported." if low.beside is None else f"Beside {low.beside:.2f} erlangs of 911's own."
    note = f"{own} Handling time: {load.source}." if isinstance(load, Loads) else own
    best = load.best.erlangs if isinstance(load, Loads) and load.best else None
    value = Between(low=low.erlangs, high=high.erlangs, best=best, unit="erlangs")
    yield Line(name="r4_load", value=value, note=note, signed=True)
    if low.call_takers is None or high.call_takers is None:
        yield Line(name="r4_call_takers", value=Said(words="Not measured: 911's own load was not imported."))
        return
    note = "For 90 % in 15 s, by Erlang C."
    few, many = sorted((low.call_takers, high.call_takers))
    if few == many:
        yield Line(name="r4_call_takers", value=Count(number=few), note=note, signed=True)
    else:
        yield Line(name="r4_call_takers", value=Between(low=few, high=many, unit="call-takers"), note=note, signed=True)


def _costs(contacts: Collection[Contact], rates: Rates, called: Collection[str]) -> Iterator[Line]:
    numbers = costs.counted(contacts, called)
    spent = costs.spent(numbers, rates)
    for channel in Channel:
        yield Line(name="contacts_answered", about=channel, value=Count(number=numbers[channel]))
        yield Line(name="cost", about=channel, value=_dollars(spent[channel]))
    note = f"At rates of {rates.of}: {rates.source}."
    yield Line(name="cost_of_all", value=_dollars(costs.total(spent.values())), note=note)
    rest = len(contacts) - sum(numbers.values())
    yield Line(name="contacts_without_a_rate", value=Count(number=rest))
    note = "If an agent had answered every one of them by telephone instead. Who hung up is not in it."
    yield Line(name="deflected", value=Count(number=numbers[Channel.ONLINE]))
    yield Line(name="deflection_saved", value=_dollars(costs.saved(numbers[Channel.ONLINE], rates)), note=note)


def _dollars(amount: costs.Money) -> Between:
    return Between(low=float(amount.low), high=float(amount.high), unit=DOLLARS)


def checks(contacts: Collection[Contact], span: Span, now: datetime) -> Iterator[Line]:
    """Conservation, and Little's law over every hour of the clock that is over: a log of events that is broken shows here."""
    problems = counts(contacts).problems()
    for problem in problems or ["Every contact is in one place."]:
        yield Line(name="conservation", value=Said(words=problem))
    closed = list(_closed_hours(span, now))
    broken = 0
    for start in closed:
        found = little(contacts, start, start + HOUR)
        if not found.holds:
            broken += 1
            words = f"{found.queue:.2f} waited on average, and comings times waits say {found.flow:.2f}."
            yield Line(name="little_broken", about=f"{start:%Y-%m-%dT%H:%MZ}", value=Said(words=words))
    yield Line(name="little_hours_checked", value=Count(number=len(closed)))
    yield Line(name="little_hours_broken", value=Count(number=broken))
    backwards = sum(one.waited is not None and one.waited < timedelta() for one in contacts)
    yield Line(name="waits_below_zero", value=Count(number=backwards))


def _closed_hours(span: Span, now: datetime) -> Iterator[datetime]:
    at = span.start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while at + HOUR <= min(span.end, now):
        yield at
        at += HOUR

"""Whether a runbook may be published: its facts, words, steps and ways. Sentences with line numbers, all at once."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from surge.scripts import paths
from surge.scripts.runbook import ELSE, EMERGENCY_LINE, NEXT, Ending, Runbook, Saying, Step

FACT: Final = re.compile(r"\{fact:([a-z][a-z0-9_]*)\}")
BRACES: Final = re.compile(r"\{[^}]*\}|[{}]")
LITERAL: Final = re.compile(r"\d[\d.,:]*")
NUMBERS: Final = frozenset({"911", "311", "211", "988"})  # what may be said in digits: how to reach somebody
SENTENCE: Final = re.compile(r"[.!?](?=\s|$)")
FIRST_SAID: Final = 2  # sentences that a call may begin with


def problems(book: Runbook, lines: Collection[str] = (EMERGENCY_LINE,)) -> list[str]:
    """lines: the names that `Transfer:` may give, as the city knows them."""
    found = [*_facts(book), *_steps(book, lines)]
    if book.hazard is not None and not book.steps:
        found.append((0, f"a runbook of a hazard ({book.hazard}) has a script (## Script, ### steps)."))
    if book.steps:
        found += paths.problems(book)
    if (trigger := book.trigger) is not None:
        if trigger.leave_at >= trigger.enter_at:
            found.append((0, f"the trigger leaves at {trigger.leave_at}: not below {trigger.enter_at}, where it enters."))
        if trigger.enter_minutes > trigger.window_minutes:
            found.append((0, f"{trigger.enter_minutes} of the last {trigger.window_minutes} minutes there are never."))
    return [f"{book.name}.md{f', line {line}' if line else ''}: {text}" for line, text in sorted(found, key=lambda one: one[0])]


def _facts(book: Runbook) -> Iterator[tuple[int, str]]:
    said = [saying for step in book.steps for saying in (*step.says, *step.never)]
    used = {name for saying in said for name in FACT.findall(saying.text)}
    used |= {name for text, _ in book.checklist for name in FACT.findall(text)}
    used |= {name for step in book.steps for text in step.told for name in FACT.findall(text)}
    for name in sorted(set(book.facts) - used):
        yield 0, f"the fact {name} is asked for and never said."
    for saying in said:
        yield from _fact_words(book, saying)
    for step, saying in book.sayings():
        spare = FACT.sub("", saying.text)
        for number in [one.rstrip(".,:") for one in LITERAL.findall(spare) if one.rstrip(".,:") not in NUMBERS]:
            yield saying.line, f"'{step.heading}' says {number}: published advice differs, so make it a fact."


def _fact_words(book: Runbook, saying: Saying) -> Iterator[tuple[int, str]]:
    for name in FACT.findall(saying.text):
        if name not in book.facts:
            yield saying.line, f"there is no fact {name}; the front matter names {', '.join(sorted(book.facts)) or 'none'}."
    for rest in BRACES.findall(FACT.sub("", saying.text)):
        yield saying.line, f"{rest} is no fact; facts are written {{fact:name}}."


def _steps(book: Runbook, lines: Collection[str]) -> Iterator[tuple[int, str]]:
    seen: dict[str, Step] = {}
    for step in book.steps:
        if (other := seen.setdefault(step.anchor, step)) is not step:
            yield step.line, f"'{step.heading}' has the same anchor as line {other.line}."
        for name in step.transfers:
            if name not in lines:
                yield step.line, f"'{step.heading}' transfers to {name}; the city has {', '.join(sorted(lines))}."
        if step.ends is Ending.EMERGENCY and EMERGENCY_LINE not in step.transfers:
            yield step.line, f"'{step.heading}' ends as an emergency and transfers to nobody (Transfer: {EMERGENCY_LINE})."
        yield from _answers(step)
    if book.steps and sum(len(SENTENCE.findall(one.text)) for one in book.steps[0].says) > FIRST_SAID:
        yield book.steps[0].line, f"a call begins with {FIRST_SAID} sentences at most: whoever needs 911 has to wait for them."


def _answers(step: Step) -> Iterator[tuple[int, str]]:
    answers = [choice.answer.casefold() for choice in step.choices]
    for choice in step.choices:
        if answers.count(choice.answer.casefold()) > 1:
            yield choice.line, f"'{choice.answer}' is answered twice in '{step.heading}'."
    if step.ends is not None and step.choices:
        yield step.line, f"'{step.heading}' both ends and goes on."
    elif step.ends is None and not step.choices:
        yield step.line, f"'{step.heading}' leads nowhere: it needs a move or an End."
    elif NEXT in answers and len(answers) > 1:
        yield step.line, f"'{step.heading}' goes on to one step (next), and has other answers."
    elif step.choices and NEXT not in answers and ELSE not in answers:
        yield step.line, f"'{step.heading}' has no answer for whoever says something else (- {ELSE} -> ...)."

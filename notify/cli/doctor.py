"""`tocsin doctor --live`: whether a city may rely on this instance, a sentence for every check."""

import asyncio
import dataclasses
from contextlib import closing
from typing import Annotated, Final

import typer

from notify import city, data, keys
from notify.cli.admin import opened
from notify.cli.say import Exit, Json, refuse, sentences, show
from notify.readiness import outside, real_test
from notify.readiness.examination import Examined, everything
from notify.readiness.findings import Finding, Verdict
from notify.wiring import reviews
from notify.wording import words
from subscribers.address import BadAddress

MARKS: Final = {Verdict.PASS: "ok     ", Verdict.FAIL: "FAIL   ", Verdict.UNKNOWN: "unknown"}

Tests = Annotated[
    list[str] | None, typer.Option("--send-test", metavar="ADDRESS", help="Send one real text or mail there; may be repeated.")
]


def doctor(
    live: Annotated[bool, typer.Option("--live", help="Every check before a city relies on this instance.")] = False,
    send_test: Tests = None,
    wait_s: Annotated[float, typer.Option(help="How long to wait for a test text's delivery, seconds.")] = 60,
    json: Json = False,
) -> None:
    """Looks at everything a live instance needs. Ends with 1 while anything fails; what nobody can know is listed as such."""
    if not live:
        refuse(["Say --live: the checks of docs/go-live.md."], Exit.USAGE)
    with sentences():
        findings = examine(send_test or [], wait_s)
    counts = outside.verdicts(findings)
    data_ = {"ready": not counts["fail"], "counts": counts, "checks": [dataclasses.asdict(one) for one in findings]}
    show(data_, json, [*(line for one in findings for line in lines(one)), summary(counts)])
    if counts["fail"]:
        raise typer.Exit(Exit.REFUSED)


def examine(addresses: list[str], wait_s: float) -> list[Finding]:
    settings, db = opened()
    with closing(db):
        pack = city.load(city.find(settings.city, data.folder("city")))
        vocabulary = words.load(data.folder("templates"))
        seen = Examined(settings=settings, city=pack, db=db, words=vocabulary, read_reviews=reviews)
        return asyncio.run(_look(seen, addresses, wait_s))


async def _look(seen: Examined, addresses: list[str], wait_s: float) -> list[Finding]:
    found = await everything(seen)
    ring = keys.load(seen.settings.keys_file) if addresses else None
    for typed in addresses:
        assert ring is not None
        try:
            found += await real_test.send(seen.settings, seen.city.pack, ring, typed, wait_s)
        except BadAddress as error:
            refuse([str(error)], Exit.USAGE)
    return found


def lines(one: Finding) -> list[str]:
    said = [f"{MARKS[one.verdict]} {one.check}: {one.says}"]
    return [*said, f"        -> {one.do}"] if one.do else said


def summary(counts: dict[str, int]) -> str:
    said = f"{counts['pass']} passed, {counts['fail']} failed, {counts['cannot know']} cannot be known from here."
    return f"{said} {'NOT READY.' if counts['fail'] else 'Ready, once a person has looked at what cannot be known.'}"

"""`tocsin words ...`: which languages would go out today, and a reviewer's yes to what they have read."""

import dataclasses
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from notify import city, data
from notify.alerts.alert import Stage
from notify.alerts.hazards import catalogue
from notify.cli.admin import opened
from notify.cli.say import Exit, Json, refuse, screen, sentences, show, table
from notify.wiring import reviews as stored
from notify.wording import (
    catalogs,
    coverage,
    exchange,
    glossary,
    plain_language,
    proofs,
    pseudo,
    render,
    reviews,
    samples,
    sayings,
    words,
)
from notify.wording.reviewing import keep
from notify.wording.reviews import Entry, Reader
from notify.wording.slots import ENGLISH

app = typer.Typer(help="Words and their reviews.", no_args_is_help=True)

Language = Annotated[str, typer.Argument(help="A tag of the city pack, or its form without marks: es, zh-Hant, ro-x-plain.")]


@app.command()
def status(json: Json = False) -> None:
    """How many messages of each language are approved, and which languages go out in English today."""
    with sentences():
        _, db = opened()
        with closing(db):
            known = _known()
            rows = reviews.standings(known, reviews.arrange(db.read_now(stored)))
    columns = ("language", "approved", "draft", "stale", "missing")
    if json:
        show([{name: getattr(row, name) for name in columns} for row in rows], json)
        return
    table(columns, [[getattr(row, name) for name in columns] for row in rows])
    english = [row.language for row in rows if not row.approved and row.language != ENGLISH]
    if english:
        screen.print(f"A live instance would send English today to: {', '.join(english)}.", markup=False)
    for fault in known.faults:
        screen.print(fault, markup=False)


@app.command()
def hazards(
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 when words are missing or too long.")] = False,
    json: Json = False,
) -> None:
    """What would be texted for every hazard, in every stage and language: parts, whose words, and whether they are reviewed."""
    with sentences():
        settings, db = opened()
        tags = city.load(city.find(settings.city, data.folder("city"))).pack.tags
        with closing(db):
            found = list(coverage.cells(_known(), db.read_now(stored), list(catalogue()), tags))
    if json:
        show([dataclasses.asdict(cell) for cell in found], json)
    else:
        rows = [list(group) for _, group in groupby(found, key=lambda cell: (cell.hazard, cell.stage))]
        table(("hazard", "stage", *tags), [(row[0].hazard, row[0].stage, *map(coverage.sign, row)) for row in rows])
        screen.print(coverage.LEGEND, markup=False)
    if strict and (wrong := coverage.problems(found)):
        refuse(wrong)


@app.command()
def check(
    language: Annotated[str, typer.Option(help="Only this one, with everything prepared for it, promised or not.")] = "",
    json: Json = False,
) -> None:
    """Everything wrong with the translations: unusable, out of step, too long on some weekday; ends with 1 if there is any."""
    templates, runbooks = data.folder("templates"), data.folder("runbooks")
    if language:
        _check_one(language, json)
        return
    behind = [
        f"{path.parts[-3]}/{path.name} is not in step: run `words extract`." for path in sayings.stale(templates, runbooks)
    ]
    known = words.load(templates)
    found = (*proofs.problems(known), *glossary.problems(known), *sayings.load(templates, runbooks).faults, *behind)
    if json:
        hard = plain_language.report({context: message.text for context, message in known.messages.items()})
        show({"problems": found, "english": hard}, json)
        if found:
            raise typer.Exit(Exit.REFUSED)
        return
    if found:
        refuse(found)
    screen.print("Every translation can be used.")
    for line in plain_language.report({context: message.text for context, message in known.messages.items()}):
        screen.print(line, markup=False)


def _check_one(language: str, json: bool) -> None:
    """What a translator still has to do in one language, and what is wrong with what is there."""
    templates = data.folder("templates")
    known = words.load(templates, trying=language)
    if language not in known.languages():
        refuse([f"There are no words in '{language}'; there are {', '.join(known.languages())}."], Exit.USAGE)
    wanted = reviews.promised(known, language)
    missing = [message.key for message in wanted if known.text(message.context, language) is None]
    found = (*proofs.problems(known, language), *glossary.problems(known, language))
    if json:
        show({"language": language, "messages": len(wanted), "missing": missing, "problems": found}, json)
    else:
        screen.print(f"{len(wanted) - len(missing)} of {len(wanted)} messages in {language}.", markup=False)
        for key in missing:
            screen.print(f"missing: {key}", markup=False)
        for problem in found:
            screen.print(problem, markup=False)
    if found:
        raise typer.Exit(Exit.REFUSED)


@app.command()
def extract(json: Json = False) -> None:
    """Brings every catalogue into step with the templates; a translation whose English has changed is marked fuzzy."""
    folder = data.folder("templates")
    with sentences():
        made = [*catalogs.extract(folder), *sayings.extract(folder, data.folder("runbooks"))]
        written = [str(path.relative_to(folder)) for path in made]
    show({"written": written}, json, written or ["Every catalogue is in step."])


@app.command(name="export")
def export_(
    language: Language, file: Annotated[Path, typer.Argument(help="Where to write: es.po")], json: Json = False
) -> None:
    """All words of a language in one .po file, for Weblate, Poedit or a translator: docs/translating.md."""
    with sentences():
        known = _known()
        _there(known, language, known.languages()[1:])
        file.write_bytes(exchange.file(known, language))
    show({"written": str(file)}, json, [f"{file} holds the words of {language}."])


@app.command(name="import")
def import_(
    language: Language, file: Annotated[Path, typer.Argument(help="What came back from the translator.")], json: Json = False
) -> None:
    """Takes a translator's file over: all of it or, where something in it cannot be used, nothing."""
    with sentences():
        known = _known()
        _there(known, language, known.languages()[1:])
        try:
            taken = exchange.take(known, language, file.read_bytes())
        except exchange.BadReturn as error:
            refuse(str(error).splitlines())
    written = [str(path.relative_to(known.templates)) for path in taken.written]
    lines = [f"{len(taken.changed)} translations are new.", *written]
    lines += [f"Marked as unsure, not used: {context}" for context in taken.fuzzy]
    lines += [f"Its English has changed meanwhile, not used until somebody has looked: {context}" for context in taken.behind]
    said = {"changed": list(taken.changed), "fuzzy": list(taken.fuzzy), "behind": list(taken.behind), "written": written}
    show(said, json, lines)


@app.command(name="pseudo")
def pseudo_(folder: Annotated[Path, typer.Argument(help="Where to write a mail for each hazard.")], json: Json = False) -> None:
    """Each hazard's mail in a language nobody speaks, longer and in brackets: shows what is cut off or not translated."""
    with sentences():
        known = pseudo.added(words.load(data.folder("templates")))
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for hazard in known.folders:
            subject = samples.subject(known, hazard, Stage.TEST if hazard == "test" else Stage.FIRST, [ENGLISH, pseudo.TAG])
            made = render.render(subject, known, (), {pseudo.TAG: pseudo.TAG}, allow_drafts=True)
            mail = made.contents[f"email/{subject.wordings[0]}/{pseudo.TAG}"]
            path = folder / f"{hazard}.html"
            path.write_text(mail.html, "utf-8")
            written.append(str(path))
    show({"written": written}, json, written)


def _there(known: words.Words, language: str, languages: Sequence[str]) -> None:
    if language not in languages:
        refuse([f"There are no words in '{language}'; there are {', '.join(languages)}."], Exit.USAGE)


@app.command(name="table")
def measures(
    language: Annotated[list[str] | None, typer.Option(help="Only these languages.")] = None,
    typed: Annotated[bool, typer.Option("--typed", help="With the samples of free text filled in.")] = False,
    json: Json = False,
) -> None:
    """What every text message costs, filled with samples, on the weekday on which it is longest."""
    rows = proofs.table(words.load(data.folder("templates")), typed=typed)
    rows = tuple(row for row in rows if not language or row.language in language)
    show([dataclasses.asdict(row) for row in rows], json, proofs.lines(rows))


@app.command()
def review(
    language: Language,
    reviewer: Annotated[str, typer.Option(help="Who vouches, by role: 'native reader, water bureau'.")],
    kind: Annotated[Reader, typer.Option(help="What makes them able to judge.")] = Reader.NATIVE,
    everything: Annotated[bool, typer.Option("--all", help="Approve all that is listed, without asking one by one.")] = False,
    json: Json = False,
) -> None:
    """Shows each message that nobody has approved, source beside translation, and records a yes. A later change voids it."""
    with sentences():
        _, db = opened()
        with closing(db):
            known = _known()
            _there(known, language, (*known.languages(), *known.plain))
            entries = reviews.to_review(known, language, reviews.arrange(db.read_now(stored)))
            chosen = [entry for entry in entries if entry.target and (everything or _asked(entry, language))]
            now = datetime.now(UTC)
            given = [
                reviews.approve(known, entry.message.context, language, reviewer=reviewer, at=now, kind=kind)
                for entry in chosen
            ]

            def store(conn: Connection) -> None:
                for one in given:
                    keep(conn, one)

            db.write_now(store)
    left = len(entries) - len(given)
    show({"language": language, "approved": len(given), "left": left}, json, [f"{len(given)} approved, {left} left."])


def _known() -> words.Words:
    """The words of alerts, and what call-takers read aloud."""
    templates = data.folder("templates")
    return sayings.joined(words.load(templates), sayings.load(templates, data.folder("runbooks")))


def _asked(entry: Entry, language: str) -> bool:
    screen.rule(f"{entry.message.key} ({entry.state})", align="left")
    screen.print(entry.message.text, markup=False)
    if language != ENGLISH:
        screen.print(f"\n{entry.target}\n", markup=False)
    return typer.confirm("Is this right?", default=False)

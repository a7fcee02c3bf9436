"""`tocsin dialog ...`: transcripts played against the dialog, and the words it understands."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from notify import data
from notify.cli.say import Exit, Json, refuse, sentences, show, table
from subscribers.dialog import collisions, lexicon, player
from subscribers.dialog.lexicon import BadVocabulary
from subscribers.dialog.player import BadTranscript

app = typer.Typer(help="The text dialog with residents.", no_args_is_help=True)


@app.command()
def play(files: Annotated[list[Path], typer.Argument(help="YAML files of transcripts.")], json: Json = False) -> None:
    """Plays transcripts against the dialog and says of each whether it went as written down."""
    with sentences():
        try:
            words = lexicon.load(data.folder("templates") / "dialog" / "vocabulary")
            played = [(file.stem, player.play(one, words)) for file in files for one in player.read(file)]
        except (BadVocabulary, BadTranscript, OSError) as error:
            refuse(str(error).splitlines())
    failed = [one for _, one in played if one.faults]
    lines = [
        f"{'FAIL' if one.faults else 'pass'}  {file}: {one.name}" + "".join(f"\n      {fault}" for fault in one.faults)
        for file, one in played
    ]
    said = [*lines, f"{len(played)} transcripts, {len(failed)} failed."]
    show([{"file": file, "name": one.name, "faults": list(one.faults)} for file, one in played], json, said)
    if failed:
        raise typer.Exit(Exit.REFUSED)


@app.command(name="words")
def words_(
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="As the page docs/dialog-collisions.md.")] = False,
) -> None:
    """The words that mean two things once case and accents are gone, and which of them is meant."""
    with sentences():
        try:
            known = lexicon.load(data.folder("templates") / "dialog" / "vocabulary")
        except BadVocabulary as error:
            refuse(list(error.problems))
    found = collisions.collisions(known)
    if markdown:
        print(collisions.page(found), end="")
    elif json:
        show([asdict(one) for one in found], json)
    else:
        table(("word", "could mean", "understood"), [(one.word, collisions.meanings(one), one.resolved) for one in found])
    if wrong := collisions.unresolved(found):
        refuse(list(wrong))

"""`tocsin dialog ...`: transcripts played against the dialog, and the words it understands."""

from pathlib import Path
from typing import Annotated

import typer

from notify import data
from notify.cli.say import Exit, Json, refuse, sentences, show, table
from subscribers.dialog import lexicon, player
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
def words_(json: Json = False) -> None:
    """The words that mean two things once case and accents are gone, and which of them is meant."""
    with sentences():
        found = lexicon.collisions(lexicon.load(data.folder("templates") / "dialog" / "vocabulary"))
    rows = [(one.word, ", ".join(f"{language} {meaning}" for language, meaning in one.meanings), one.resolved) for one in found]
    if json:
        show([{"word": word, "meanings": meanings, "meant": meant} for word, meanings, meant in rows], json)
    else:
        table(("word", "stands for", "meant"), rows)

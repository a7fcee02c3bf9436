"""What the dialog's tests share: the real words, a small city, and short ways to say something to the dialog."""

from pathlib import Path

from subscribers.dialog import lexicon, player, talk
from subscribers.dialog.lexicon import Lexicon
from subscribers.dialog.turn import Heard, Kept, Known, Reply, Standing, Turn
from subscribers.place import ZipArea

ROOT = Path(__file__).parents[3]
VOCABULARY = ROOT / "templates" / "dialog" / "vocabulary"
LEXICON: Lexicon = lexicon.load(VOCABULARY)
WORLD = player.SampleWorld(alert="boil_water")
NOW = player.NOON
HOME = Kept(label="HOME", spot=ZipArea("97214"))
ACTIVE = Known(standing=Standing.ACTIVE, language="en", places=(HOME,))


def heard(text: str, **given: object) -> Heard:
    return Heard(text=text, at=NOW, **given)  # type: ignore[arg-type]


def answer(known: Known, text: str) -> Turn:
    return talk.turn(known, heard(text), WORLD, LEXICON)


def keys(turn: Turn) -> list[str]:
    return [reply.key if isinstance(reply, Reply) else reply.body for reply in turn.replies]

"""The pages of the 311 desk, put together, and what the service hands to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from notify.alerts.alert import Mode
from notify.clock import Clock
from notify.console.routing import Guard, Route
from notify.db import Database
from notify.publishing.site import Site
from notify.sending.dispatch import Dispatcher
from subscribers.dialog.lexicon import Lexicon
from subscribers.sealing import Keyring
from surge.desk import referrals
from surge.desk.desk_line import DeskLine
from surge.desk.outgoing import Outgoing
from surge.desk.written import Written
from surge.pack import Pack
from surge.pages.agents import AgentPages
from surge.pages.desk import DeskPages
from surge.pages.kept import KeptPages
from surge.pages.letters import LetterPages
from surge.pages.needs import NeedPages
from surge.pages.office import FindPlace, Office, Side
from surge.pages.questions import QuestionPages
from surge.pages.recordings import RecordingPages
from surge.pages.start import StartPages
from surge.pages.wallboard import Wallboard
from surge.recorded.studio import Studio

PARTS = (DeskPages, KeptPages, LetterPages, StartPages, QuestionPages, NeedPages, AgentPages, RecordingPages, Wallboard)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the desk is built from. folder: the city pack. line, pack: None where calls are dealt with elsewhere; elsewhere: by
    another process of this instance, perhaps."""

    db: Database
    clock: Clock
    ring: Keyring
    site: Site
    mode: Mode
    folder: Path
    lexicon: Lexicon
    dispatchers: Sequence[Dispatcher]
    find_place: FindPlace | None = None
    line: DeskLine | None = None
    pack: Pack | None = None
    studio: Studio | None = None
    elsewhere: bool = False


def side(parts: Parts) -> Side:
    """Raises notify.city.BadPack for a list of referrals that cannot be used."""
    written = Written(
        db=parts.db,
        clock=parts.clock,
        ring=parts.ring,
        site=parts.site,
        line=parts.line,
        lexicon=parts.lexicon,
        send=Outgoing(parts.dispatchers, parts.mode).send,
        elsewhere=parts.elsewhere,
    )
    return Side(
        line=parts.line,
        written=written,
        find_place=parts.find_place,
        pack=parts.pack,
        referrals=referrals.load(parts.folder),
        studio=parts.studio,
    )


def routes(guard: Guard, given: Side) -> list[Route]:
    office = Office.of(guard, given)
    return [route for part in PARTS for route in part(office).routes()]

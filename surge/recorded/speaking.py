"""What the telephone can say now: the city's words, the reviews of them, its voices, and the recordings that were released.

Made anew when a review or a recording changes, whichever process changed it: asking for it costs two small queries.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from notify.wording.reviews import Review, arrange
from notify.wording.words import Words
from surge.pack import Pack
from surge.recorded import recorded_rows, session, takes
from surge.recorded.sound import LONGEST_S
from surge.recorded.takes import MESSAGE, Line, Released, State
from surge.switch import store
from surge.tables import ActivationRow
from surge.voice import prompts, spoken
from surge.voice.prompts import Prompt, Speech


@dataclass(slots=True, kw_only=True)
class Speaking:
    """public_url: where the provider fetches recordings. reviews: every one that counts."""

    words: Words
    pack: Pack
    allow_drafts: bool
    public_url: str
    reviews: Callable[[Connection], Collection[Review]]
    _kept: tuple[object, Speech] | None = field(default=None, init=False)

    def now(self, conn: Connection) -> Speech:
        """The same value as before where nothing has changed."""
        as_of = (recorded_rows.reviewed_as_of(conn), recorded_rows.marked(conn, [State.RELEASED]))
        kept = self._kept
        if kept is None or kept[0] != as_of:
            kept = self._kept = as_of, self._made(conn)
        return kept[1]

    def refusals(self, conn: Connection) -> Mapping[str, Sequence[str]]:
        """Why a language is not published on the telephone, prompt by prompt."""
        return prompts.refusals(self.now(conn), self.pack)

    def lines(self, language: str) -> Sequence[Line]:
        """Every phrase that can be recorded in a language."""
        return takes.lines(self.words, self.pack, language)

    def _made(self, conn: Connection) -> Speech:
        found = recorded_rows.in_state(conn, State.RELEASED)
        kinds = recorded_rows.kinds(conn, [one.sound_id for one in found if one.sound_id])
        base = self.public_url.rstrip("/")
        released = [
            Released(
                language=one.language,
                key=one.key,
                digest=one.digest,
                url=base + session.sound_path(one.sound_id, kinds[one.sound_id]),
                seconds=one.seconds,
            )
            for one in found
            if one.sound_id in kinds and one.seconds is not None
        ]
        reviewed = arrange(self.reviews(conn))
        return prompts.speech(self.words, reviewed, self.pack, allow_drafts=self.allow_drafts, released=released)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What can be recorded now: the phrases, and what callers are told of the day. messages: that, of an activation."""

    speaking: Speaking
    messages: Callable[[Connection, ActivationRow], Mapping[str, Prompt]]

    def __call__(self, conn: Connection, language: str) -> Sequence[Line]:
        row = store.current(conn)
        found = self.messages(conn, row).get(language) if row is not None else None
        said = (takes.message_line(language, found.words),) if found is not None else ()
        return (*said, *self.speaking.lines(language))

    def longest(self, conn: Connection, line: Line) -> float:
        """Seconds that a recording of it may take: the message and the way to 911 together keep their limit."""
        return spoken.room(line.language, self.speaking.now(conn)) if line.key == MESSAGE else LONGEST_S

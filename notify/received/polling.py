"""Asks the sources of other agencies' alerts, judges what comes, keeps it, and notes how each source answers.

What one source does wrong never keeps another from being asked, and nothing that came is ever sent on: it is kept and shown.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from cryptography.x509 import Certificate
from sqlalchemy import Connection

from notify.clock import Clock
from notify.db import Database
from notify.partners.egress import Answer, Refused, Unreachable
from notify.publishing import cap_signature
from notify.publishing.cap_document import MOST_BYTES, Unreadable
from notify.received import index, message, nws, store
from notify.received.index import CAP_TYPE, Entry
from notify.received.message import Message
from notify.received.sources import Kind, Source
from notify.received.store import Came

logger = logging.getLogger(__name__)

EVERY_S: Final = 1.0  # how often it is looked which source is due
ANSWER_S: Final = 20.0
MOST_NEW: Final = 200  # documents fetched of one index at one time; the rest comes next time
MOST_REFUSED: Final = 2_000  # entries of a source that are remembered as not worth another look
GEOJSON: Final = "application/geo+json"
ACCEPT: Final[Mapping[Kind, str]] = {
    Kind.INDEX: "application/atom+xml, application/rss+xml;q=0.9, application/xml;q=0.5",
    Kind.CAP: f"{CAP_TYPE}, application/xml;q=0.5",
    Kind.NWS: GEOJSON,
}


class WayOut(Protocol):
    """notify.partners.egress.Egress: no inner host, no redirect, nothing beyond a limit."""

    async def ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, timeout_s: float = ..., most_body: int = ...
    ) -> Answer: ...

    async def close(self) -> None: ...


class Unanswered(Exception):
    """A source gave nothing that can be used; the message says why. It is asked again."""


@dataclass(slots=True)
class Outcome:
    """What one look at a source brought. refused: a sentence for each document that is not believed; later: why some could
    not be fetched now."""

    new: int = 0
    refused: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        first = [*self.later, *self.refused][:1]
        count = len(self.later) + len(self.refused)
        return f"{count} of its documents {'was' if count == 1 else 'were'} not taken. {first[0]}" if first else ""


def judge(xml: bytes, source: Source, trusted: Sequence[Certificate]) -> tuple[Message, str]:
    """A CAP document and who signed it ("" where no signature is asked for). Raises Unreadable with why it is not believed."""
    found = message.of_cap(xml)
    signer = ""
    if source.signed_by is not None:
        signed = cap_signature.verified(xml, trusted)
        if not signed.valid_at(found.sent):
            raise Unreadable("SIGNER_NOT_VALID_THEN", f"The certificate of {signed.signer} was not valid when it was sent.")
        signer = signed.signer
    require_sender(found, source)
    return found, signer


def require_sender(found: Message, source: Source) -> None:
    """Raises Unreadable when the source may not speak for this sender."""
    if source.senders and found.sender not in source.senders:
        raise Unreadable("OTHER_SENDER", f"{source.name} may not speak for {found.sender[:80]}.")


class Poller:
    """trusted: the certificates of each source that must sign. page: calls the duty officer. agent: who we say we are."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        sources: Sequence[Source],
        trusted: Mapping[str, Sequence[Certificate]],
        way_out: WayOut,
        page: Callable[[str], None],
        agent: str,
    ) -> None:
        self.db, self.clock, self._way_out, self.page = db, clock, way_out, page
        self._sources, self._trusted, self._agent = [one for one in sources if one.polled], trusted, agent
        self._next: dict[str, float] = {}
        self._said: dict[str, str] = {}  # what was wrong with what each source last said in full
        self._refused: dict[str, dict[str, None]] = {}
        self._under_way: dict[str, asyncio.Task[Any]] = {}

    async def tick(self) -> None:
        """Begins to ask whatever source is due."""
        now = self.clock.monotonic()
        for source in self._sources:
            running = self._under_way.get(source.name)
            if (running is None or running.done()) and now >= self._next.get(source.name, 0.0):
                self._next[source.name] = now + source.every_s
                self._under_way[source.name] = asyncio.create_task(self.poll(source), name=f"source {source.name}")

    @property
    def under_way(self) -> list[asyncio.Task[Any]]:
        return list(self._under_way.values())

    async def close(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        await self._way_out.close()

    async def poll(self, source: Source) -> Outcome:
        """Asks one source now. Never raises for what the source does."""
        now = self.clock.now()
        before = await self.db.read(partial(store.source, name=source.name, now=now))
        try:
            known = (
                (before.etag, before.modified) if source.name in self._said else ("", "")
            )  # a new process looks at all of it
            answer = await self._get(source.url, ACCEPT[source.kind], *known)
            outcome = Outcome() if answer.status == 304 else await self._take(source, answer.body)
        except (Unanswered, Unreadable) as error:
            logger.warning("%s cannot be used: %s (docs/cap.md#when-a-source-fails)", source.name, error)
            await self._note(source, tried_at=now, problem=str(error))
            return Outcome(later=[str(error)])
        values: dict[str, Any] = {"tried_at": now, "heard_at": now, "told_silent": False}
        if answer.status != 304:
            # A document that could not be fetched is fetched next time: the index must not answer "not modified" then.
            fully = not outcome.later
            self._said[source.name] = outcome.sentence
            values |= {
                "etag": answer.headers.get("ETag", "")[:500] if fully else "",
                "modified": answer.headers.get("Last-Modified", "")[:100] if fully else "",
            }
        await self._note(source, **values, problem=self._said[source.name])
        return outcome

    async def _get(self, url: str, accept: str, etag: str = "", modified: str = "") -> Answer:
        headers = {"Accept": accept, "User-Agent": self._agent}
        headers |= {"If-None-Match": etag} if etag else {}
        headers |= {"If-Modified-Since": modified} if modified else {}
        host = urlsplit(url).hostname
        try:
            answer = await self._way_out.ask("GET", url, headers=headers, timeout_s=ANSWER_S, most_body=nws.MOST_BYTES)
        except (Refused, Unreachable) as error:
            raise Unanswered(f"{host}: {error}.".replace("..", ".")) from None
        if answer.status not in (200, 304):
            raise Unanswered(f"{host} answers with {answer.status}.")
        if answer.cut:
            raise Unanswered(f"{host} answers with more than {nws.MOST_BYTES:,} bytes, which are not read.")
        return answer

    async def _take(self, source: Source, body: bytes) -> Outcome:
        outcome = Outcome()
        match source.kind:
            case Kind.CAP:
                await self._document(source, Entry(key="", url=source.url, xml=body), outcome)
            case Kind.NWS:
                for feature in await asyncio.to_thread(nws.features, body):
                    await self._feature(source, feature, outcome)
            case _:
                await self._indexed(source, body, outcome)
        return outcome

    async def _indexed(self, source: Source, body: bytes, outcome: Outcome) -> None:
        found = await asyncio.to_thread(index.entries, body, source.url)
        refused = self._refused.setdefault(source.name, {})
        asked = [one for one in found if one.key and one.key not in refused]
        seen = await self.db.read(partial(store.seen, source=source.name, entries=[one.key for one in asked]))
        fresh = [one for one in found if not one.key or (one.key not in refused and one.key not in seen)]
        for entry in fresh[:MOST_NEW]:
            try:
                whole = entry if entry.xml else Entry(key=entry.key, url=entry.url, xml=(await self._fetched(entry.url)))
            except Unanswered as error:
                outcome.later.append(str(error))
                continue
            await self._document(source, whole, outcome)
        if len(fresh) > MOST_NEW:
            outcome.later.append(f"{len(fresh) - MOST_NEW} more are fetched next time.")

    async def _fetched(self, url: str) -> bytes:
        return (await self._get(url, ACCEPT[Kind.CAP])).body

    async def _document(self, source: Source, entry: Entry, outcome: Outcome) -> None:
        try:
            found, signer = await asyncio.to_thread(judge, entry.xml, source, self._trusted.get(source.name, ()))
        except Unreadable as error:
            outcome.refused.append(str(error))
            refused = self._refused.setdefault(source.name, {})
            refused[entry.key] = None
            if len(refused) > MOST_REFUSED:
                del refused[next(iter(refused))]
            return
        came = Came(
            source=source.name, message=found, document=entry.xml, media=CAP_TYPE, entry=entry.key or entry.url, signer=signer
        )
        outcome.new += await self.keep(came)

    async def _feature(self, source: Source, feature: Mapping[str, Any], outcome: Outcome) -> None:
        try:
            found = nws.of_feature(feature)
            require_sender(found, source)
        except Unreadable as error:
            outcome.refused.append(str(error))
            return
        data = json.dumps(feature, ensure_ascii=False).encode("utf-8", "replace")
        if len(data) > MOST_BYTES:
            outcome.refused.append(f"An alert of more than {MOST_BYTES:,} bytes is not kept.")
            return
        outcome.new += await self.keep(Came(source=source.name, message=found, document=data, media=GEOJSON))

    async def keep(self, came: Came) -> bool:
        """Keeps a message; the duty officer hears when it changes what a draft of ours began with. False: it was here."""
        new, sentences = await self.db.write(lambda conn: kept(conn, came, self.clock.now()))
        for sentence in sentences:
            self.page(sentence)
        return new

    async def _note(self, source: Source, **values: Any) -> None:
        now: datetime = self.clock.now()
        await self.db.write(lambda conn: store.note_source(conn, source.name, now, **values))


def kept(conn: Connection, came: Came, now: datetime) -> tuple[bool, list[str]]:
    """Keeps a message: whether it was new, and what the duty officer must hear once it is on disk."""
    if not store.keep(conn, came, now):
        return False, []
    verb = "takes back" if came.message.msg_type == "Cancel" else "updates"
    told = [
        f"{came.source} {verb} the alert that {row.draft_id} was drafted from. Look at {row.draft_id}."
        for row in store.drafted_from(conn, came)
    ]
    return True, told

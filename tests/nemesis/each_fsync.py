"""EIO at the first, second ... fiftieth fsync of an approval, one by one: nothing is answered as done and gone afterwards.

    python -m tests.nemesis.each_fsync [LAST]

A service on SQLite, an author, an approver and residents who text STOP; strace lets one fsync of each thread fail. Whoever is
refused tries again with the same key, as programs do. Every other time the process is killed with -9 as soon as the act under
way has been answered, and what was answered as done is looked for in the database before anything runs again; the other times
it has to go on by itself. Then all is done to its end and judged from outside. Needs strace. PostgreSQL ends itself at the
first failed fsync (`./dev nemesis --only fsync`).
"""

import asyncio
import contextlib
import shutil
import signal
import sys
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from sqlalchemy import Connection
from sqlmodel import col, select
from twilio.request_validator import RequestValidator

from notify import audit
from notify.alerts.life import Status
from notify.db import Database
from notify.sending import ledger_check
from notify.tables import AlertRow, AuditLine
from subscribers import store
from tests.nemesis.dump import dump
from tests.stories import town as towns
from tests.stories.town import ACCOUNT, BOIL_WATER, SENDER, TOKEN, Process, Town, numbers

LAST = 50
PEOPLE = 60
LEAVERS = 40  # of them, texting STOP one after the other once the alert leaves
TRIES = 5
TRY_S = 20.0
OVER_S = 120.0
NOT_APPROVED = (Status.DRAFT, Status.PENDING)


@dataclass(slots=True)
class Desk:
    """Where the author and the approver are. seen: the digest the approver has read."""

    town: Town
    session: aiohttp.ClientSession
    alert_id: str = ""
    seen: str = ""
    keys: dict[str, str] = field(default_factory=dict)

    async def api(self, who: str, path: str, document: object = None) -> dict[str, object] | None:
        """One try; None when it was not answered as done."""
        key = self.keys.setdefault(path, uuid.uuid4().hex)
        headers = {"Authorization": f"Bearer {self.town.tokens[who]}", "Idempotency-Key": key}
        url = f"http://127.0.0.1:{self.town.private_port}/api/v1{path}"
        async with self.session.post(url, json=document, headers=headers) as answer:
            return dict(await answer.json()) if answer.status < 300 else None

    async def draft(self) -> bool:
        made = await self.api("author", "/alerts", BOIL_WATER | {"channels": ["sms", "feed"]})
        self.alert_id = str(made["alert_id"]) if made else ""
        return made is not None

    async def submit(self) -> bool:
        found = await self.api("author", f"/alerts/{self.alert_id}/submit")
        self.seen = str(found["digest"]) if found else ""
        return found is not None

    async def approve(self) -> bool:
        return await self.api("approver", f"/alerts/{self.alert_id}/approve", {"digest": self.seen}) is not None

    async def send(self) -> bool:
        return await self.api("approver", f"/alerts/{self.alert_id}/send") is not None

    async def stop(self, phone: str) -> bool:
        url, sid = f"{self.town.url}/inbound/sms", "SM" + phone[1:].rjust(32, "0")
        form = {"AccountSid": ACCOUNT, "MessageSid": sid, "From": phone, "To": SENDER, "Body": "STOP", "NumMedia": "0"}
        headers = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(url, form)}
        async with self.session.post(url, data=form, headers=headers) as answer:
            return answer.status == 200


@dataclass(frozen=True, slots=True)
class Act:
    """do: one try, and whether it was answered as done. kept: whether the database says so."""

    name: str
    do: Callable[[], Awaitable[bool]]
    kept: Callable[[Connection], bool]

    async def tried(self) -> bool:
        try:
            return await asyncio.wait_for(self.do(), TRY_S)
        except (aiohttp.ClientError, TimeoutError):
            return False


def acts(desk: Desk) -> list[Act]:
    """In their order."""

    def stands(*but: Status) -> Callable[[Connection], bool]:
        found = select(AlertRow.status)  # there is one alert
        return lambda conn: conn.scalar(found) not in (None, *but)

    def gone(phone: str) -> Act:
        blind = desk.town.ring.blind("sms", phone)
        stopped = select(store.ADDRESS.c.stopped_at).where(store.ADDRESS.c.blind == blind)
        return Act(f"STOP of {phone}", lambda: desk.stop(phone), lambda conn: conn.scalar(stopped) is not None)

    return [
        Act("draft", desk.draft, stands()),
        Act("submit", desk.submit, stands(Status.DRAFT)),
        Act("approve", desk.approve, stands(*NOT_APPROVED)),
        Act("send", desk.send, stands(*NOT_APPROVED, Status.APPROVED)),
        *(gone(phone) for phone in numbers(LEAVERS)),
    ]


@dataclass(slots=True)
class Tracer:
    """strace over one process. It counts the fsyncs of each thread by themselves."""

    child: asyncio.subprocess.Process
    record: Path

    @classmethod
    async def over(cls, pid: int, home: Path, which: int) -> "Tracer":
        record = home / "strace.log"
        inject = f"inject=fsync,fdatasync:error=EIO:when={which}"
        files = [part for name in ("tocsin.db", "tocsin.db-wal", "tocsin.db-journal") for part in ("-P", str(home / name))]
        arguments = ["-f", "-o", str(record), "-e", "trace=fsync,fdatasync", "-e", inject, *files, "-p", str(pid)]
        child = await asyncio.create_subprocess_exec("strace", *arguments, stderr=asyncio.subprocess.PIPE)
        assert child.stderr is not None
        said = await child.stderr.readline()
        assert b"attached" in said, said.decode()
        return cls(child, record)

    @property
    def struck(self) -> bool:
        return b"INJECTED" in self.record.read_bytes()

    async def end(self) -> None:
        if self.child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.child.send_signal(signal.SIGINT)
        await self.child.communicate()


async def play(town: Town, which: int, dies: bool) -> tuple[str, list[str]]:
    """What failed while what was done, and what is wrong, as sentences."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback((await town.carrier()).end)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        service = await town.service()
        desk = Desk(town, session)
        script, problems, done = acts(desk), [], 0
        tracer = await Tracer.over(service.child.pid, town.home, which)
        try:
            struck, refused = "", 0
            while done < len(script) and not (struck and dies):
                answered = await script[done].tried()
                if tracer.struck and not struck:
                    struck = script[done].name
                refused = 0 if answered else refused + 1
                done += answered
                if refused >= TRIES:
                    problems.append(f"{script[done].name} was refused {TRIES} times")
                    break
            if struck and dies:
                await service.kill()
        finally:
            await tracer.end()
        with closing(Database(town.database_url)) as db:
            lacking = db.read_now(lambda conn: [act.name for act in script[:done] if not act.kept(conn)])
        problems += [f"{name} was answered as done, and is not there" for name in lacking]
        if struck and dies:
            service = await town.service()
        problems += await finished(town, service, script[done:], desk)
    return (f"while {struck}" if struck else "was not reached"), problems + judged(town, script)


async def finished(town: Town, service: Process, rest: Sequence[Act], desk: Desk) -> list[str]:
    """Does what is left, without faults, and waits for the end."""
    try:
        refused = [act.name for act in rest if not (await act.tried() or await act.tried())]
        if refused:
            return [f"{name} is refused although nothing fails any more" for name in refused]
        await town.until(desk.alert_id, "active", within_s=OVER_S)
        return []
    except TimeoutError:
        return [f"the alert was not over within {OVER_S:.0f} s"]
    finally:
        await service.end()


def judged(town: Town, script: Sequence[Act]) -> list[str]:
    """From the ledger, the carrier's own log and the chain of the audit log, when nothing runs any more."""
    with closing(Database(town.database_url)) as db:
        verdict = ledger_check.check(*_dumped(db, town))
        lacking, chain = db.read_now(lambda conn: ([act.name for act in script if not act.kept(conn)], _chain(conn)))
    told = {line["to"] for line in town.sms()}
    untold = set(numbers(PEOPLE)[LEAVERS:]) - told
    return [
        *verdict.problems,
        *chain,
        *(f"{name} is not there at the end" for name in lacking),
        *([f"{len(untold)} people who had not stopped were not told"] if untold else []),
    ]


def _dumped(db: Database, town: Town) -> tuple[Path, Path, Path]:
    dumped, texts = dump(db, town.ring, town.home)
    return dumped, town.logs, texts


def _chain(conn: Connection) -> list[str]:
    rows = conn.execute(select(AuditLine).order_by(col(AuditLine.seq)))
    return audit.problems([AuditLine(**row._mapping) for row in rows])


async def main(last: int) -> int:
    if shutil.which("strace") is None:
        print("This needs strace.", file=sys.stderr)
        return 2
    towns.FORKS = True
    wrong = unreached = 0
    with TemporaryDirectory(prefix="tocsin-fsync-") as folder:
        first = Town.create(Path(folder) / "first", f"sqlite:///{Path(folder) / 'first' / 'tocsin.db'}")
        first.settle(numbers(PEOPLE))
        for which in range(1, last + 1):
            town = first.copied(Path(folder) / str(which))
            town.settings |= {"TOCSIN_SMS_WINDOW": "10", "TOCSIN_LEASE_S": "3", "TOCSIN_NOT_FOUND_AFTER_S": "3"}
            dies = which % 2 == 1
            when, problems = await play(town, which, dies)
            print(f"fsync {which} {when}{', killed' if dies else ''}: {'; '.join(problems) or 'all is there'}", flush=True)
            wrong += bool(problems)
            unreached += when == "was not reached"
            shutil.rmtree(town.home)
    print(f"\n{last} fsyncs, {last - unreached} of them reached: {wrong} times something was lost or stuck.")
    return 1 if wrong or unreached == last else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else LAST)))

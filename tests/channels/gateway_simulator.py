"""A gateway of another make on a real socket, with a log that the ledger's judge reads, and the file that describes it."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from aiohttp.test_utils import TestServer

from channels.gateway.description import Description, read

SECRET: Final = "harbor-secret"
KEY: Final = "harbor-report-key"
OURS: Final = "+15035550300"

DESCRIBED: Final[dict[str, Any]] = {
    "name": "harbor",
    "url": "http://127.0.0.1:9/v2/messages",
    "numbers": [{"number": OURS, "rate": 200}],
    "timeout_s": 2,
    "headers": {"Authorization": "Bearer {secret}"},
    "body": {
        "messages": [{"recipient": "{to}", "sender": "{from}", "content": "{text}", "ttl": "{valid_for_s}"}],
        "reference": "{ref}",
        "reports": "{report_url}",
        "priority": True,
    },
    "accepted": {"status": [200, 202], "id": "data.0.id"},
    "refused": {"status": [400, 422], "code": "error.code", "codes": ["landline", "invalid"], "opted_out": ["stopped"]},
    "throttled": {"status": [429, 503]},
    "denied": {"status": [401, 403]},
    "report": {
        "ref": "reference",
        "id": "id",
        "status": "state",
        "code": "reason",
        "delivered": ["DELIVERED"],
        "failed": ["FAILED", "EXPIRED"],
        "opted_out": ["stopped"],
        "signature_header": "X-Harbor-Signature",
    },
}
HEARS: Final = {
    "inbound": {
        "from": "message.sender",
        "to": "message.recipient",
        "text": "message.content",
        "id": "id",
        "signature_header": "X-Harbor-Signature",
    }
}


def described(**changes: Any) -> Description:
    return read(DESCRIBED | changes)


def signed(document: Any, key: str = KEY) -> tuple[bytes, dict[str, str]]:
    """A report's bytes and headers, as the gateway sends them."""
    body = json.dumps(document).encode()
    return body, {"X-Harbor-Signature": hmac.new(key.encode(), body, "sha256").hexdigest(), "Content-Type": "application/json"}


def a_text(number: str, words: str, text_id: str, to: str = OURS) -> dict[str, Any]:
    """A resident's text as HEARS describes it."""
    return {"id": text_id, "message": {"sender": number, "recipient": to, "content": words}}


@dataclass(slots=True)
class Harbor:
    """Takes texts as DESCRIBED says. `refuses`: answers by number instead of taking it: a status and a document."""

    log: Path
    url: str = ""
    refuses: dict[str, tuple[int, Any]] = field(default_factory=dict)
    taken: list[dict[str, Any]] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    hangs: bool = False
    waiting: int = 0  # calls that it lets wait

    async def take(self, request: web.Request) -> web.Response:
        document = await request.json()
        if self.hangs:
            self.waiting += 1
            await asyncio.sleep(5)
        self.seen.append({"headers": dict(request.headers), "body": document})
        if request.headers.get("Authorization") != f"Bearer {SECRET}":
            return web.json_response({"error": {"code": "who"}}, status=401)
        (message,) = document["messages"]
        if message["recipient"] in self.refuses:
            status, answer = self.refuses[message["recipient"]]
            return web.json_response(answer, status=status, headers={"Retry-After": "7"} if status == 429 else {})
        sid = f"hb-{len(self.taken) + 1:08}"
        self.taken.append({"sid": sid, "ref": document["reference"], "to": message["recipient"], "text": message["content"]})
        line = {"seq": len(self.taken), "at": datetime.now(UTC).isoformat(), "event": "accepted", "sid": sid}
        line |= {"to": message["recipient"], "from": message["sender"], "body": message["content"]}
        with (self.log / "sms.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        return web.json_response({"data": [{"id": sid}]}, status=202)


@asynccontextmanager
async def harbor(folder: Path) -> AsyncIterator[Harbor]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sms.jsonl").touch()
    made = Harbor(folder)
    app = web.Application()
    app.router.add_post("/v2/messages", made.take)
    async with TestServer(app) as server:
        made.url = str(server.make_url("/v2/messages"))
        yield made

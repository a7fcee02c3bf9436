"""The console beside an identity provider, each under another site's name, with an alert that waits for approval: prints where
it is, and ends when its input ends."""

import asyncio
import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from notify import schema
from notify.db import engine_for
from notify.identity import links
from notify.identity.links import Account
from tests.notify.identity.provider_server import CLIENT, SECRET, identity_server, utc
from tests.notify.newsroom_factory import BOIL_WATER
from tests.notify.service_factory import serving
from tests.ports import free_port


async def serve(folder: Path) -> None:
    migrated, port = folder / "migrated.db", free_port()
    engine = engine_for(f"sqlite:///{migrated}")
    schema.migrate(engine)
    engine.dispose()
    base = f"http://localhost:{port}"
    async with identity_server() as server:
        server.redirects.add(f"{base}/sign-in/identity/return")
        server.subject = None
        settings: dict[str, Any] = {"oidc_issuer": server.url, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
        async with serving(folder / "home", migrated, private_port=port, private_url=base, **settings) as served:
            db = served.running.service.db
            for person in ("author", "approver", "admin"):
                account = Account(issuer=server.url, subject=f"s-{person}")
                await db.write(partial(links.link, person_id=person, account=account, by="test", now=utc()))
            _, alert = await served.call("author", "POST", "/alerts", BOIL_WATER)
            await served.call("author", "POST", f"/alerts/{alert['alert_id']}/submit")
            print(json.dumps({"url": base, "provider": server.url, "alert": alert["alert_id"]}), flush=True)
            while line := await asyncio.to_thread(sys.stdin.readline):
                server.statuses = {"/token": 503} if line.strip() == "down" else {}
                server.subject = "s-author"  # who is signed in there from now on
                print(line.strip(), flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(serve(Path(folder)))


if __name__ == "__main__":
    main()

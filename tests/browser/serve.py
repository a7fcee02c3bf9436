"""The sign-up pages on a free loopback port, for a browser: prints its address, and ends when its input ends.

What would have been sent can be read at /sent, as JSON: a browser test has no phone and no mailbox.
"""

import asyncio
import socket
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from aiohttp import web

from notify import schema
from notify.clock import SystemClock
from notify.db import Database, engine_for
from subscribers.sealing import Keyring
from tests.notify.signup_factory import Sent, a_reception, a_site, an_app


async def serve(db: Database) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    sent, site = Sent(), a_site(base=address)
    keys = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
    app = an_app(a_reception(db, SystemClock(), keys, sent, site=site), site)

    async def told(_: web.Request) -> web.Response:
        mails = [{"to": to, "body": content.body, "unsubscribe": recipient} for to, content, recipient in sent.mails]
        return web.json_response({"texts": sent.texts, "mails": mails})

    app.router.add_get("/sent", told)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    print(address, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'signup.db'}"
        engine = engine_for(url)
        schema.migrate(engine)
        engine.dispose()
        with closing(Database(url)) as db:
            asyncio.run(serve(db))


if __name__ == "__main__":
    main()

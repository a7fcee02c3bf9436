"""A process that takes a post and keeps it until it is told to end: `python -m tests.nemesis.post_holder URL POST DEAD_S`."""

import signal
import sys
import threading
from contextlib import closing

from notify.db import Database
from notify.processes.session import Session
from notify.processes.share import Wants


def main(url: str, post: str, dead_s: float) -> None:
    end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: end.set())
    with closing(Database(url)) as db:
        session = Session(db, "holder", None, sends=True)
        session.dead_s = dead_s
        session.wants = Wants(at_once=(post,))
        session.start()
        print('{"ready": true}', flush=True)
        while not end.wait(0.1):
            pass
        session.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))

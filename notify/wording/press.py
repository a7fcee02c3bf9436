"""Puts alerts into words in a process of its own, so that the process that sends does not stand still for twelve languages.

The child is given the very words its parent has loaded, does nothing but render, and ends with its parent. Whatever goes wrong
with it, the parent makes the texts itself: later, and the same ones.
"""

import contextlib
import logging
import os
import pickle
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

from notify import logs
from notify.wording import render
from notify.wording.render import Rendering
from notify.wording.reviews import Review
from notify.wording.subject import Subject
from notify.wording.words import Words

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 10.0  # a child that has not answered by then is given up
AGAIN_S: Final = 60.0  # and another one is started after this
REVIEWS, SUBJECT = "reviews", "subject"  # what the child is told; only the second is answered


@dataclass(slots=True)
class Press:
    """One caller at a time. The first texts after `start` wait for the child to be there."""

    words: Words
    log_level: str = "WARNING"
    patience_s: float = PATIENCE_S
    _child: subprocess.Popen[bytes] | None = None
    _line: "Connection[Any, Any] | None" = None
    _sent: tuple[Review, ...] = ()
    _gone_at: float | None = None

    @property
    def pid(self) -> int | None:
        """Of the child; None while there is none."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Returns at once. Where the machine has no room for another process, the texts are made here until it has."""
        try:
            self._launch()
        except OSError:
            self._give_up()

    def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs, tempfile.TemporaryFile() as words:  # a file: the child reads it when it is up
            pickle.dump(self.words, words)
            words.seek(0)
            given = [theirs.fileno(), words.fileno()]
            arguments = [sys.executable, "-m", "notify.wording.press", *map(str, given), self.log_level]
            # A group of its own: the Ctrl-C of a terminal is for the parent, which lets work under way end.
            nothing = subprocess.DEVNULL
            self._child = subprocess.Popen(arguments, pass_fds=given, process_group=0, stdin=nothing, stdout=nothing)
            seconds, rest = divmod(self.patience_s, 1)
            for direction in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
                ours.setsockopt(socket.SOL_SOCKET, direction, struct.pack("ll", int(seconds), int(rest * 1e6)))
            self._line, self._sent, self._gone_at = Connection(ours.detach()), (), None

    def rendered(
        self, subject: Subject, reviews: Collection[Review], tags: Mapping[str, str], *, allow_drafts: bool
    ) -> Rendering | None:
        """As render.render, with the words given at the start. None when the child cannot: make them yourself."""
        try:
            line = self._line or self._again()
            if line is None:
                return None
            if (known := tuple(reviews)) != self._sent:
                line.send((REVIEWS, known))
                self._sent = known
            line.send((SUBJECT, (subject, dict(tags), allow_drafts)))
            made = line.recv()
        except (OSError, EOFError):
            self._give_up()
            return None
        return made if isinstance(made, Rendering) else None

    def _give_up(self) -> None:
        logger.warning("the process that makes texts does not answer; they are made here meanwhile", exc_info=True)
        self.close()
        self._gone_at = time.monotonic()

    def _again(self) -> "Connection[Any, Any] | None":
        if self._gone_at is not None and time.monotonic() - self._gone_at >= AGAIN_S:
            self.start()
        return self._line

    def close(self) -> None:
        """Ends the child, whatever it is doing: it keeps nothing."""
        if self._line is not None:
            self._line.close()
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._line = self._child = None


def _serve(line: "Connection[Any, Any]", words: Words) -> None:
    """Answers until the parent is gone. Nothing that cannot be made ends it: its parent meets the same fault and names it."""
    reviews: tuple[Review, ...] = ()
    while True:
        kind, what = line.recv()
        if kind == REVIEWS:
            reviews = what
            continue
        subject, tags, allow_drafts = what
        try:
            made = render.render(subject, words, reviews, tags, allow_drafts=allow_drafts)
        except Exception:  # the loop's own boundary
            logger.exception("the texts of an alert could not be made in the process apart")
            made = None
        line.send(made)


def main(arguments: list[str]) -> None:
    """The child: `python -m notify.wording.press LINE WORDS LOG_LEVEL`, the first two as open files."""
    logs.configure(arguments[2])
    with os.fdopen(int(arguments[1]), "rb") as file:
        words = pickle.load(file)
    with Connection(int(arguments[0])) as line, contextlib.suppress(EOFError, ConnectionError):
        _serve(line, words)


if __name__ == "__main__":
    main(sys.argv[1:])

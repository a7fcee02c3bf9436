"""Whether an error says that the disk is full, and what whoever met it is told. Pure."""

import errno
import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError

NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
PG_DISK_FULL: Final = "53100"
TITLE: Final = "The disk is full: this was not written"
MAKE_ROOM: Final = "Make room on the disk, then do this again. What was under way goes on by itself."
LEDGER: Final = "The disk is full: the ledger cannot be written."
LOGGED: Final = "%s found the disk full (docs/operations.md#disk-full)"  # one line, no traceback: the log may lie on that disk


def no_room(error: BaseException | None) -> bool:
    """Of the database: the transaction was undone, and nothing of it was written."""
    if isinstance(error, DBAPIError):
        code = getattr(error.orig, "sqlite_errorcode", None)
        return code == sqlite3.SQLITE_FULL or getattr(error.orig, "sqlstate", None) == PG_DISK_FULL
    return isinstance(error, OSError) and error.errno in NO_ROOM

"""A service whose database lies on a small disk, on any machine and without the right to mount one:
`python -m tests.stories.cramped_service serve`.

SQLite asks the system for each write through a table that tests may change (xSetSystemCall, https://sqlite.org/c3ref/vfs.html).
Here a write that would make a file of the data folder longer than its disk has room for gets ENOSPC, as the system says it. The
file DISK holds how many bytes the disk has; BALLAST takes as many of them as it is long, and may be a hole.
"""

import _sqlite3
import ctypes
import errno
import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from notify.__main__ import main

DISK: Final = "disk-bytes"
BALLAST: Final = "ballast"
WRITE: Final = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, use_errno=True)
PWRITE: Final = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64, use_errno=True
)
SET: Final = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
POINTERS: Final = (
    "pNext",
    "zName",
    "pAppData",
    "xOpen",
    "xDelete",
    "xAccess",
    "xFullPathname",
    "xDlOpen",
    "xDlError",
    "xDlSym",
)
MORE: Final = ("xDlClose", "xRandomness", "xSleep", "xCurrentTime", "xGetLastError", "xCurrentTimeInt64")
Usage = namedtuple("Usage", "total used free")


class Vfs(ctypes.Structure):
    """struct sqlite3_vfs, up to what is needed of it."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("iVersion", "szOsFile", "mxPathname")),
        *((name, ctypes.c_void_p) for name in (*POINTERS, *MORE)),
        ("xSetSystemCall", SET),
    )


def usage(folder: Path) -> Usage:
    """Of the disk that the folder is."""
    total = int((folder / DISK).read_text())
    used = sum(one.stat().st_size for one in folder.iterdir() if one.is_file())
    return Usage(total, used, max(0, total - used))


def cramp(folder: Path) -> None:
    """From now on, in this process."""
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(Vfs)
    vfs = library.sqlite3_vfs_find(None)

    def pwrite(file: int, data: int, length: int, at: int) -> int:
        return _written(folder, file, length, at, lambda: os.pwrite(file, ctypes.string_at(data, length), at))

    def write(file: int, data: int, length: int) -> int:
        at = os.lseek(file, 0, os.SEEK_CUR)
        return _written(folder, file, length, at, lambda: os.write(file, ctypes.string_at(data, length)))

    calls: dict[bytes, Any] = {b"pwrite": PWRITE(pwrite), b"pwrite64": PWRITE(pwrite), b"write": WRITE(write)}
    for name, call in calls.items():  # a build of SQLite has one or two of them
        vfs.contents.xSetSystemCall(vfs, name, ctypes.cast(call, ctypes.c_void_p))
    KEPT.update(calls)
    whole = shutil.disk_usage
    shutil.disk_usage = lambda path: usage(folder) if Path(path).is_relative_to(folder) else whole(path)  # type: ignore


def _written(folder: Path, file: int, length: int, at: int, go_on: Callable[[], int]) -> int:
    """What the system would answer."""
    grows = at + length - os.fstat(file).st_size
    if grows > 0 and Path(os.readlink(f"/proc/self/fd/{file}")).parent == folder and grows > usage(folder).free:
        ctypes.set_errno(errno.ENOSPC)
        return -1
    try:
        return go_on()
    except OSError as error:
        ctypes.set_errno(error.errno or errno.EIO)
        return -1


KEPT: Final[dict[bytes, Any]] = {}  # SQLite calls them as long as the process lives

if __name__ == "__main__":
    cramp(Path(os.environ["TOCSIN_DATA_DIR"]).resolve())
    main()

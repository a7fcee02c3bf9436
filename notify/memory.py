"""How the C library keeps memory that Python has given back: set once, before anything large is loaded; and from time to time
what still lies free among what is used goes back to the system."""

import ctypes
import logging
from typing import Final

logger = logging.getLogger(__name__)

# glibc's malloc.h. Unless the threshold is set, it grows to 32 MB with the first arrays that are freed; every later array below
# that lies in the heap and stays with the process when it is freed (mallopt(3)).
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8
LARGE: Final = 256 * 1024  # bytes; what is larger gets pages of its own, and they go back with it
ARENAS: Final = 2


def give_back_what_is_freed() -> bool:
    """Whether the C library took it; another one than glibc has no such setting, and needs none."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, LARGE), (M_ARENA_MAX, ARENAS))
    taken = [mallopt(parameter, value) for parameter, value in settings]  # all of them, whatever one answers
    return all(taken)


def trim() -> bool:
    """Gives whole pages that are free back to the system (malloc_trim(3)); returns whether there were any. A million rows that
    were planned leave 150 MB of holes between what stays. Takes milliseconds, and holds up nobody who needs no memory."""
    return malloc_trim(0) == 1 if (malloc_trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) else False

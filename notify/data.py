"""Where the files that ship with the program are: beside the packages in a checkout, inside notify/_data in a wheel."""

from pathlib import Path
from typing import Literal


def folder(name: Literal["templates", "runbooks", "city"]) -> Path:
    packed = Path(__file__).parent / "_data" / name
    return packed if packed.is_dir() else Path(__file__).parent.parent / name

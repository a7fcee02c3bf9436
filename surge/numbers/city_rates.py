"""A city's own costs of a contact: costs.toml in its folder, or else the published figures."""

from pathlib import Path
from typing import Final

from notify.city import BadPack
from surge.numbers.costs import PUBLISHED, BadRates, Rates, read

FILE: Final = "costs.toml"


def rates(folder: Path) -> Rates:
    """folder: of the city pack. Raises BadPack for a file that cannot be used."""
    path = folder / FILE
    try:
        return read(path.read_text("utf-8")) if path.exists() else PUBLISHED
    except BadRates as error:
        raise BadPack([f"{FILE}: {problem}" for problem in error.problems]) from error
    except UnicodeDecodeError as error:
        raise BadPack([f"{FILE} is not UTF-8."]) from error

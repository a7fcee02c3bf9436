"""A city's own costs of a contact: costs.toml in its folder, or else the published figures."""

from pathlib import Path
from typing import Final

from surge.costs import PUBLISHED, Rates, read

FILE: Final = "costs.toml"


def rates(folder: Path) -> Rates:
    """folder: of the city pack. Raises BadRates for a file that cannot be used."""
    path = folder / FILE
    return read(path.read_text("utf-8")) if path.exists() else PUBLISHED

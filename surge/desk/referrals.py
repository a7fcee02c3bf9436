"""referrals.toml of a city pack: whom 311 sends people to for what, and who gets which needs."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from notify.alerts.draft import problems_of
from notify.city import BadPack
from surge.desk.knowledge import Entry, Kind

FILE: Final = "referrals.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """about: what people ask it for. say: the sentence they are told. phone: a number, or three digits that people dial."""

    name: str
    phone: str
    say: str
    about: tuple[str, ...] = ()
    hours: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Referrals:
    entries: Sequence[Referral] = ()

    def taker(self, code: str) -> str:
        """Who gets a need of this code; "" where nobody does by themselves."""
        return next((one.name for one in self.entries if code in one.needs), "")

    def known(self) -> list[Entry]:
        """As the desk searches them."""
        return [
            Entry(
                source=f"referral:{one.name}",
                kind=Kind.REFERRAL,
                about={"en": " ".join([one.name, *one.about])},
                words={"en": one.say},
            )
            for one in self.entries
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Referral:
    __pydantic_config__ = ConfigDict(extra="forbid")
    name: str
    phone: str
    say: str
    about: tuple[str, ...] = Field(default=(), alias="for")
    hours: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    __pydantic_config__ = ConfigDict(extra="forbid")
    referral: tuple[_Referral, ...] = field(default=())


_READ: Final = TypeAdapter(_File)


def load(folder: Path) -> Referrals:
    """The pack's list; empty where it has none. Raises BadPack with everything that is wrong with it."""
    try:
        given: Mapping[str, object] = tomllib.loads((folder / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return Referrals()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadPack([f"{folder / FILE} cannot be read: {error}."]) from error
    try:
        read = _READ.validate_python(given)
    except ValidationError as error:
        raise BadPack([f"{FILE}: {sentence}" for sentence in problems_of(error)]) from error
    found = _twice(read)
    if found:
        raise BadPack([f"{FILE}: {sentence}" for sentence in found])
    return Referrals(
        tuple(
            Referral(name=one.name, phone=one.phone, say=one.say, about=one.about, hours=one.hours, needs=one.needs)
            for one in read.referral
        )
    )


def _twice(read: _File) -> list[str]:
    names = [one.name for one in read.referral]
    codes = [code for one in read.referral for code in one.needs]
    return [
        *(f"{name} stands in it twice." for name in sorted({name for name in names if names.count(name) > 1})),
        *(f"The need {code} goes to two." for code in sorted({code for code in codes if codes.count(code) > 1})),
    ]

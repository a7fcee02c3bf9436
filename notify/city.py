"""The city pack: name, time zone, languages, phones, who speaks, and the city's own policy. Another city swaps the folder."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from notify.alerts.alert import Event, Severity, Stage, Urgency
from notify.alerts.draft import problems_of
from notify.alerts.glass import Glass
from notify.alerts.hazards import Hazard, catalogue
from subscribers.place import Envelope


class BadPack(ValueError):
    """The pack cannot be used; `problems` holds one sentence for each thing wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """tag: BCP 47, as catalogues and the database have it; cap: the tag in CAP documents; endonym: its own name."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    tag: str
    cap: str
    endonym: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who speaks: whole on pages and e-mail, short in texts; and the hazards it speaks about unless the draft says else."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    name: str
    short: str
    hazards: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asl:
    """Videos in American Sign Language. hosts: the only ones an alert may lead to; expected: the composer misses one."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    hosts: tuple[Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")], ...] = ()
    expected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """city.toml. envelope: west, south, east, north in degrees. county_link: as texts show it, "alerts.county.example".
    same_places: counties as the Emergency Alert System numbers them (47 CFR 11.31), for the IPAWS export only."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    name: str
    publisher: str
    time_zone: str
    link_host: str
    sender: str
    from_name: str
    list_id: str
    phones: tuple[str, ...]
    county_link: str
    envelope: tuple[float, float, float, float]
    language_list: Mapping[str, str]
    languages: tuple[Language, ...]
    sources: Mapping[str, Source]
    same_places: tuple[Annotated[str, Field(pattern=r"^[0-9]{6}$")], ...] = ()
    asl: Asl = Asl()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def box(self) -> Envelope:
        west, south, east, north = self.envelope
        return Envelope(west=west, south=south, east=east, north=north)

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(language.tag for language in self.languages)

    def endonyms(self, tags: Iterable[str]) -> Mapping[str, str]:
        """What speakers call each language; a form without marks is called as its language."""
        named = {one.tag: one.endonym for one in self.languages}
        return {tag: named.get(tag, named.get(tag.partition("-x-")[0], tag)) for tag in tags}

    def source_for(self, hazard: str) -> Source:
        """Who speaks about a hazard: the first source that lists it, else the last source, which is the city itself."""
        found = [source for source in self.sources.values() if hazard in source.hazards]
        return found[0] if found else list(self.sources.values())[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisRule:
    __pydantic_config__ = ConfigDict(extra="forbid")
    hazards: tuple[str, ...]
    extreme: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most so many texts to one phone in so many minutes."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    minutes: Annotated[int, Field(ge=1, le=1440)]
    texts: Annotated[int, Field(ge=1)]


# GoAlert's limits for texts to one person: whoever is on call at night has lived with them for years.
USUAL_LIMITS: Final = (Limit(minutes=15, texts=5), Limit(minutes=60, texts=11), Limit(minutes=180, texts=21))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """policy.toml. presets: the names of the areas that an alert of a hazard starts from; none where a hazard is not there.
    texts_to_a_phone: beyond them a text that can wait waits."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    countdown_s: Mapping[str, float]
    citywide: Mapping[str, Any]
    audience: Mapping[str, Any]
    basis: Mapping[str, BasisRule]
    cost: Mapping[str, float]
    break_glass: tuple[Glass, ...] = ()
    presets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    texts_to_a_phone: tuple[Limit, ...] = USUAL_LIMITS

    def countdown(self, event: Event) -> timedelta:
        """How long a send can still be taken back at no cost."""
        if event.stage in (Stage.CORRECTION, Stage.FALSE_ALARM):
            return timedelta(seconds=self.countdown_s["correction"])
        extreme = event.severity is Severity.EXTREME and event.urgency is Urgency.IMMEDIATE
        return timedelta(seconds=self.countdown_s["immediate_extreme" if extreme else "default"])

    def bases(self, hazard: Hazard, severity: Severity) -> frozenset[str]:
        """The bases on which people may be told about this hazard at this severity."""
        return frozenset(
            name
            for name, rule in self.basis.items()
            if "*" in rule.hazards or hazard.key in rule.hazards or (rule.extreme and severity is Severity.EXTREME)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """A loaded pack. `folder` holds areas/ beside it."""

    folder: Path
    pack: Pack
    policy: Policy


_LINK = re.compile(r"[a-z0-9.-]+\.[a-z]{2,}(/[!-~]*[^/])?", re.ASCII)  # without scheme and final slash: texts are short
_PACK, _POLICY = TypeAdapter(Pack), TypeAdapter(Policy)
_COUNTDOWNS = {"default", "immediate_extreme", "correction"}


def load(folder: Path) -> City:
    """Raises BadPack with every problem of both files."""
    problems: list[str] = []
    pack = _read(folder / "city.toml", _PACK, problems)
    policy = _read(folder / "policy.toml", _POLICY, problems)
    if pack is not None:
        problems += _pack_problems(pack)
    if policy is not None and (missing := _COUNTDOWNS - set(policy.countdown_s)):
        problems.append(f"policy.toml: countdown_s lacks {', '.join(sorted(missing))}.")
    if policy is not None and (unknown := set(policy.presets) - set(catalogue())):
        problems.append(f"policy.toml: presets names hazards that there are not: {', '.join(sorted(unknown))}.")
    if problems or pack is None or policy is None:
        raise BadPack(problems)
    return City(folder=folder, pack=pack, policy=policy)


def find(name: str, packs: Path) -> Path:
    """The folder of a pack given by name (below `packs`) or by path."""
    given = Path(name)
    return given if given.is_dir() else packs / name


def _read(file: Path, adapter: "TypeAdapter[Any]", problems: list[str]) -> Any:
    try:
        return adapter.validate_python(tomllib.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        problems.append(f"{file} is missing.")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{file} cannot be read: {error}.")
    except ValidationError as error:
        problems += [f"{file.name}: {sentence}" for sentence in problems_of(error)]
    return None


def _pack_problems(pack: Pack) -> list[str]:
    problems = []
    try:
        ZoneInfo(pack.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        problems.append(f"city.toml: there is no time zone {pack.time_zone!r}.")
    if "en" not in pack.tags:
        problems.append("city.toml: languages must hold English (en), the one every text falls back to.")
    if len(set(pack.tags)) < len(pack.tags):
        problems.append("city.toml: a language stands twice.")
    if not pack.sources or not pack.phones:
        problems.append("city.toml: there must be at least one source and one phone.")
    if not _LINK.fullmatch(pack.county_link):
        problems.append("city.toml: county_link must be an address as texts show it, like alerts.example.gov/sign-up.")
    try:
        _ = pack.box
    except ValueError as error:
        problems.append(f"city.toml: {error}")
    return problems


def aliases(folder: Path) -> Mapping[str, Sequence[str]]:
    """Other names of areas from the pack's aliases.toml: alias -> the areas it may mean; none without the file."""
    path = folder / "aliases.toml"
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        read = tomllib.load(file)
    return {alias: (names,) if isinstance(names, str) else tuple(names) for alias, names in read.items()}

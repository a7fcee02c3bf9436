"""One row of an import list, understood: who, reached how, where, and on which proof. Or every reason why not."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar

from subscribers import address
from subscribers.address import HOME_COUNTRIES, Samples
from subscribers.place import BadPlace, Envelope, NamedPlace, Spot, ZipArea, normal_label, point, zip_code
from subscribers.sheet import Row
from subscribers.tables import Basis

BASES = tuple(basis.value for basis in Basis)
T = TypeVar("T")
SOURCE_MAX = 200  # letters of consent_source
WORDS_MAX = 1_000  # letters of consent_words: the sentence beside a box, not a whole page
TERMS_MAX = 40  # letters of consent_terms: a version, not the terms themselves
_SOMEBODY = re.compile(r"\S@\S|(?:\d[\s().+-]{0,2}){10}")  # an e-mail address, or as many digits as a phone number has
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a city's lists may hold. `areas` maps each named area to its kind; `now` is when the import happens, aware UTC;
    `zone` is the city's: a consent dated by day alone counts from that day's beginning there."""

    languages: frozenset[str]
    areas: Mapping[str, str]
    envelope: Envelope
    zone: tzinfo
    now: datetime
    samples: Samples = Samples.REFUSED
    countries: frozenset[str] = HOME_COUNTRIES
    _area_names: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_area_names", {name.casefold(): name for name in self.areas})

    def area_named(self, text: str) -> str | None:
        """The area's name as the city writes it, however it is capitalised here."""
        return self._area_names.get(text.casefold())


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A sound row. Addresses are normalised, at least one is not empty; `label` may be empty; consent_at is aware UTC.
    consent_words and consent_terms, what they agreed to and its version, are empty where nobody kept them."""

    line: int
    phone: str
    email: str
    language: str
    label: str
    spot: Spot | None
    basis: str
    consent_at: datetime
    consent_source: str
    consent_words: str = ""
    consent_terms: str = ""


def read(row: Row, rules: Rules) -> Entry | list[str]:
    """The entry in a row, or every problem as a sentence. Sentences never repeat an address."""
    if row.problem:
        return [row.problem]
    phone, email, language, label, lat, lon, zip_, area, basis, consent_at, source, words, terms = row.cells
    problems = _problems_of_words(row.cells, rules)
    number = _tried(problems, "", address.normal_phone, phone, rules.samples, rules.countries) if phone else ""
    mailbox = _tried(problems, "", address.normal_email, email) if email else ""
    label = _tried(problems, "", normal_label, label) if label else ""
    spot = _tried(problems, None, _spot, lat, lon, zip_, area, rules)
    moment = _tried(problems, rules.now, _moment, consent_at, rules)
    if problems:
        return problems
    return Entry(
        line=row.line,
        phone=number,
        email=mailbox,
        language=language,
        label=label,
        spot=spot,
        basis=basis,
        consent_at=moment,
        consent_source=source,
        consent_words=words,
        consent_terms=terms,
    )


def _problems_of_words(cells: tuple[str, ...], rules: Rules) -> list[str]:
    phone, email, language, label, lat, lon, zip_, area, basis, _, source, words, terms = cells
    problems = []
    if not phone and not email:
        problems.append("The row has neither phone nor e-mail.")
    if not language:
        problems.append("The row has no language.")
    elif language not in rules.languages:
        problems.append(f"The language {language!r} is not one of this city's: {', '.join(sorted(rules.languages))}.")
    if basis not in BASES:
        problems.append(f"The basis {basis!r} must be one of {', '.join(BASES)}.")
    if not source or len(source) > SOURCE_MAX or not source.isprintable():
        problems.append(f"consent_source must say where the consent is from, in at most {SOURCE_MAX} plain letters.")
    if words or terms:
        problems += _problems_of_proof(words, terms)
    if label and not (lat or lon or zip_ or area):
        problems.append(f"There is a label, {label!r}, and no place for it.")
    return problems


def _problems_of_proof(words: str, terms: str) -> list[str]:
    """Consent outlives the erasure of a person, so it may name nobody."""
    problems = []
    if len(words) > WORDS_MAX or not words.isprintable():
        problems.append(f"consent_words must be the words they agreed to, in at most {WORDS_MAX} plain letters.")
    if len(terms) > TERMS_MAX or not terms.isprintable():
        problems.append(f"consent_terms must be the version of the terms, in at most {TERMS_MAX} plain letters.")
    if any(_SOMEBODY.search(_DATE.sub("", text)) for text in (words, terms)):
        problems.append("consent_words and consent_terms must hold no phone number or e-mail address: they are kept for good.")
    return problems


def _tried(problems: list[str], otherwise: T, function: Callable[..., T], *arguments: Any) -> T:
    """What the function gives; or `otherwise`, and one more problem."""
    try:
        return function(*arguments)
    except ValueError as error:
        problems.append(str(error))
        return otherwise


def _spot(lat: str, lon: str, zip_: str, area: str, rules: Rules) -> Spot | None:
    """Raises BadPlace."""
    if sum((bool(lat or lon), bool(zip_), bool(area))) > 1:
        raise BadPlace("The row has more than one of lat+lon, zip and area; give one.")
    if lat or lon:
        return point(lat, lon, rules.envelope)
    if zip_:
        code = zip_code(zip_)
        if rules.areas.get(code) != "zip":
            raise BadPlace(f"The ZIP {code} is not among the city's areas; import its area first.")
        return ZipArea(code)
    if area:
        name = rules.area_named(area)
        if name is None or rules.areas[name] == "zip":
            raise BadPlace(f"{area!r} is not among the city's areas; import it first.")
        return NamedPlace(name)
    return None


def _moment(text: str, rules: Rules) -> datetime:
    """Raises ValueError with a sentence."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"consent_at, {text!r}, must be a date or a time like 2014-05-23T10:40:00-07:00.") from error
    if moment.tzinfo is None:
        if len(text) > len("2014-05-23"):
            raise ValueError(f"consent_at, {text!r}, has a time of day and so needs its offset from UTC, like -07:00.")
        moment = moment.replace(tzinfo=rules.zone)
    if moment > rules.now:
        raise ValueError(f"consent_at, {text!r}, lies in the future.")
    return moment.astimezone(UTC)

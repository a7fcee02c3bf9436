"""A draft as people write it: a YAML file, a form, a JSON body. Every problem is a sentence that names its field."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from notify.alerts.alert import Certainty, Severity, Stage, Urgency

CHANNELS = ("sms", "email", "feed")


class BadDraft(ValueError):
    """The draft cannot be read; `problems` holds one sentence for each thing wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("needs a time zone, like 2014-05-23T08:15-07:00")
    try:
        return value.astimezone(UTC)
    except OverflowError:  # in the year 1 or 9999, by its offset
        raise ValueError("lies outside of the calendar") from None


def _minutes_allowed(value: Any) -> Any:
    """ISO 8601 without seconds is how people write it."""
    return value.replace(" ", "T") if isinstance(value, str) else value


Moment = Annotated[datetime, BeforeValidator(_minutes_allowed), AfterValidator(_aware)]


class Circle(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    radius_m: float = Field(gt=0, le=200_000)


class AreaChoice(BaseModel):
    """Where: names of areas the city keeps, or a geometry, or a circle. Exactly one."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    names: tuple[str, ...] = ()
    geojson: dict[str, Any] | None = None
    circle: Circle | None = None
    words: str = ""  # what a drawn area is called: "all homes east of I-205"

    @model_validator(mode="after")
    def _exactly_one(self) -> "AreaChoice":
        given = [name for name in ("names", "geojson", "circle") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"give one of names, geojson and circle, not {' and '.join(given)}")
        if given and given != ["names"] and not self.words.strip():
            raise ValueError("words must say how the drawn area is called, like 'homes east of I-205'")
        return self


class Draft(BaseModel):
    """What an author decides. Times are aware; `effective` None means the moment of approval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hazard: str
    stage: Stage = Stage.FIRST
    area: AreaChoice = AreaChoice()
    slots: dict[str, Any] = Field(default_factory=dict)
    source: str = ""  # key of the city pack's sources; empty: the hazard's own
    learned_at: Moment | None = None
    effective: Moment | None = None
    expires: Moment | None = None
    until: Literal["", "cleared"] = ""
    next_update_by: Moment | None = None
    channels: tuple[Literal["sms", "email", "feed"], ...] = CHANNELS  # type: ignore[assignment]
    short: bool = False  # the one-part form of the text
    slows: bool = False  # texts may leave more slowly while 311's callers wait
    urgency: Urgency | None = None
    severity: Severity | None = None
    certainty: Certainty | None = None
    note: str = Field("", max_length=500)  # why, in a correction or cancel; for CAP and the page
    asl_video: str = ""  # address of a video in American Sign Language that says the same
    incident: str = ""
    not_before: Moment | None = None
    not_after: Moment | None = None
    expected_people: int | None = Field(None, ge=0)  # the author's own expectation, if any: typed confirmation compares

    @model_validator(mode="after")
    def _times_fit(self) -> "Draft":
        problems = []
        if self.effective and self.expires and self.expires <= self.effective:
            problems.append("expires must lie after effective")
        if self.not_before and self.not_after and self.not_after <= self.not_before:
            problems.append("not_after must lie after not_before")
        if len(set(self.channels)) != len(self.channels):
            problems.append("channels names one twice")
        if problems:
            raise ValueError("; ".join(problems))
        return self


def read(given: Mapping[str, Any]) -> Draft:
    """Raises BadDraft with every problem."""
    try:
        return Draft.model_validate(dict(given))
    except ValidationError as error:
        raise BadDraft(problems_of(error)) from None


def problems_of(error: ValidationError) -> list[str]:
    """Pydantic's findings as sentences: "area.circle.lat: Input should be less than or equal to 90"."""
    sentences = []
    for detail in error.errors():
        place = ".".join(str(part) for part in detail["loc"])
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            message = "there is no such field"
        sentences.append(f"{place}: {message}" if place else message)
    return sentences

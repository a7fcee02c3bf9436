"""What can be made to go wrong, as values that may be changed while the simulator runs."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, TypeVar

SHARE: Final = "a share from 0 to 1"
COUNT: Final = "a whole number, 0 or more"
SECONDS: Final = "seconds, 0 or more"
SWITCH: Final = "true or false"
CODES: Final = "an object of mailbox to reply code (421, 450 or 550)"


def _setting(default: Any, kind: str) -> Any:
    return field(default=default, metadata={"kind": kind})


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsFaults:
    """The text gateway's faults. Shares are of creates; what is not accepted never appears as accepted in the log."""

    refuse_all: bool = _setting(False, SWITCH)  # 503 to every request, nothing accepted
    too_many_next: int = _setting(0, COUNT)  # 429 to so many creates from now on
    too_many: float = _setting(0.0, SHARE)  # 429 to a share of creates
    retry_after_s: int = _setting(1, COUNT)  # what those 429s say in Retry-After
    hang_before: float = _setting(0.0, SHARE)  # not accepted, and no answer for hang_s; then the connection is cut
    hang_after: float = _setting(0.0, SHARE)  # accepted, and no answer for hang_s; then the connection is cut
    hang_s: float = _setting(60.0, SECONDS)
    cut_before: float = _setting(0.0, SHARE)  # not accepted, connection cut
    cut_after: float = _setting(0.0, SHARE)  # accepted, connection cut
    error_after: float = _setting(0.0, SHARE)  # accepted, but the answer is 500
    slow_s: float = _setting(0.0, SECONDS)  # every answer to a create waits so long
    reports_off: bool = _setting(False, SWITCH)  # statuses change, nobody is told
    reports_delay_s: float = _setting(0.0, SECONDS)  # reports wait so long
    reports_swapped: float = _setting(0.0, SHARE)  # share of messages whose last report comes before "sent"
    reports_doubled: float = _setting(0.0, SHARE)  # share of reports posted twice


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFaults:
    """The mail relay's faults. Shares are of transactions."""

    busy: float = _setting(0.0, SHARE)  # 421 at MAIL, connection closed
    later: float = _setting(0.0, SHARE)  # 450 at RCPT
    never: float = _setting(0.0, SHARE)  # 550 at RCPT
    codes: Mapping[str, int] = field(
        default_factory=dict, metadata={"kind": CODES}
    )  # by mailbox, at RCPT; wins over the shares
    cut_before: float = _setting(0.0, SHARE)  # not accepted, connection cut after the data
    cut_after: float = _setting(0.0, SHARE)  # accepted, connection cut after the data
    slow_s: float = _setting(0.0, SECONDS)  # every answer to DATA waits so long


_Faults = TypeVar("_Faults", SmsFaults, MailFaults)


class Unfit(ValueError):
    """A change of faults that cannot be made; `problems` holds every reason as a sentence."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def changed(faults: _Faults, wish: object) -> _Faults:
    """The faults with the wished settings; None sets all of them back. Raises Unfit with every problem at once."""
    if wish is None:
        return type(faults)()
    if not isinstance(wish, Mapping):
        raise Unfit(("Faults are an object of setting and value.",))
    kinds = {each.name: each.metadata["kind"] for each in fields(faults)}
    wrong = [f"There is no fault {name!r}; known: {', '.join(kinds)}." for name in wish if name not in kinds]
    wrong += [
        f"{name} must be {kinds[name]}, not {value!r}."
        for name, value in wish.items()
        if name in kinds and not _fits(value, kinds[name])
    ]
    if wrong:
        raise Unfit(tuple(wrong))
    return replace(faults, **wish)


def _fits(value: object, kind: str) -> bool:
    if kind == CODES:
        return isinstance(value, Mapping) and all(code in (421, 450, 550) for code in value.values())
    if kind == SWITCH or isinstance(value, bool):
        return kind == SWITCH and isinstance(value, bool)
    if kind == COUNT:
        return isinstance(value, int) and value >= 0
    if not isinstance(value, int | float):
        return False
    return 0 <= value <= 1 if kind == SHARE else 0 <= value < float("inf")


class Dice:
    """Decides by share, in an order that the seed fixes."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def hit(self, share: float) -> bool:
        """True in this share of calls; a share of 0 draws nothing, so that unused faults change no run."""
        return share > 0 and self._random.random() < share


@dataclass(slots=True)
class Live:
    """The faults as they are now; the one value of the simulator that its users change while it runs."""

    sms: SmsFaults
    mail: MailFaults

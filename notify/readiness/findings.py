"""What a check has found: it passes, fails, or nobody can know it from here. Nothing passes by default."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    PASS = "pass"  # looked at, and in order
    FAIL = "fail"  # looked at, and not in order
    UNKNOWN = "cannot know"  # this machine cannot see it, or it could not be looked at now


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check. check: its name, as docs/go-live.md lists it; says: what was seen; do: what to do about it, "" for nothing."""

    check: str
    verdict: Verdict
    says: str
    do: str = ""


def passed(check: str, says: str) -> Finding:
    return Finding(check=check, verdict=Verdict.PASS, says=says)


def failed(check: str, says: str, do: str) -> Finding:
    return Finding(check=check, verdict=Verdict.FAIL, says=says, do=do)


def unknown(check: str, says: str, do: str) -> Finding:
    return Finding(check=check, verdict=Verdict.UNKNOWN, says=says, do=do)


def judged(check: str, faults: Sequence[str], fine: str, do: str) -> Finding:
    """Fails with every fault, or passes with what is fine."""
    return failed(check, " ".join(faults), do) if faults else passed(check, fine)

"""How many rows of slowed alerts a sender may take now, so that each leaves at its share of the sender's rate and all others
have the rest. Pure: moments are monotonic seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

AHEAD_S: Final = 0.5  # rows are taken so far ahead of their time: as long as an idle sender waits before it looks again
CATCH_UP_S: Final = 5.0  # time in which a sender took nothing, and may make up
DEBT_S: Final = 10.0  # a sender that took too much waits no longer than this, or than its last message is worth
LEARNS: Final = 0.1  # of the way from the usual length of a message to that of the last one


@dataclass(slots=True)
class Account:
    """Of one alert. paid_until: up to this moment its share has been used. units: what a message of it usually costs."""

    share: float
    paid_until: float
    units: float = 0.0


@dataclass(slots=True)
class Allowance:
    """rate: of the sender, units a second."""

    rate: float
    _accounts: dict[str, Account] = field(default_factory=dict)

    def rows(self, shares: Mapping[str, float], now: float) -> dict[str, int]:
        """For each slowed alert, how many of its rows may be taken; what is not named may take all it can."""
        self._accounts = {name: one for name, one in self._accounts.items() if name in shares}
        return {name: self._due(name, share, now) for name, share in shares.items()}

    def _due(self, name: str, share: float, now: float) -> int:
        account = self._accounts.setdefault(name, Account(share, now))
        account.share = share
        per_s, usual = share * self.rate, account.units or 1.0
        account.paid_until = min(max(account.paid_until, now - CATCH_UP_S), now + max(DEBT_S, usual / per_s))
        units = (now + AHEAD_S - account.paid_until) * per_s
        return max(1, int(units / usual)) if units > 0 else 0

    def spent(self, name: str, units: int) -> None:
        """A message of so many units starts; of an alert that is not slowed nothing is kept."""
        account = self._accounts.get(name)
        if account is not None:
            account.paid_until += units / (account.share * self.rate)
            account.units = account.units + LEARNS * (units - account.units) if account.units else float(units)

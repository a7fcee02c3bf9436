"""How a benchmark reports: our figure, the peer's, the ratio, the spread and the machine's load, in one line."""

import operator
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured comparison. `ours` and `peer` are the single runs of this sitting, in `unit`; medians are compared.

    target_ratio is ours/peer as performance asks for it (None: `limit` in `unit` is the target instead).
    higher_is_better tells which way the target points.
    """

    name: str
    unit: str
    ours: Sequence[float]
    peer: Sequence[float] = ()
    peer_name: str = ""
    target_ratio: float | None = None
    limit: float | None = None
    higher_is_better: bool = True
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return statistics.median(self.ours) / statistics.median(self.peer) if self.peer else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None when there is none."""
        better = operator.ge if self.higher_is_better else operator.le
        verdicts = []
        if self.target_ratio is not None and self.ratio is not None:
            verdicts.append(better(self.ratio, self.target_ratio))
        if self.limit is not None:
            verdicts.append(better(statistics.median(self.ours), self.limit))
        return all(verdicts) if verdicts else None

    def line(self) -> str:
        ours = f"{statistics.median(self.ours):,.4g} {self.unit} [{min(self.ours):,.4g}..{max(self.ours):,.4g}]"
        parts = [f"{self.name}: {ours}"]
        if self.peer:
            parts.append(f"{self.peer_name} {statistics.median(self.peer):,.4g} [{min(self.peer):,.4g}..{max(self.peer):,.4g}]")
            parts.append(f"ratio {self.ratio:.3g}" + (f" (target {self.target_ratio:g})" if self.target_ratio else ""))
        if self.limit is not None:
            parts.append(f"limit {self.limit:g}")
        verdict = {True: "met", False: "NOT MET", None: "no target"}[self.met]
        parts += [verdict, f"load {os.getloadavg()[0]:.1f}"] + ([self.note] if self.note else [])
        return " | ".join(parts)

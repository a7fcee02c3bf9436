"""P13: a day of 1,000,000 calls played call by call, beside the shortest loop that knows when each agent is free next.

The peer is what anybody would write first: one heap of the times at which agents are free, nobody hangs up, nobody is blocked,
one level of staff, no hours. It bounds what a simulator in this language can do; it does not do the same work.
"""

import heapq
import time

import numpy as np

from bench.figures import Figure
from surge.numbers.simulation import Day, simulate

CALLS = 1_000_000
RUNS = 3
HOURS = 24
LIMIT_S = 30


def run() -> list[Figure]:
    day, agents = _day()
    ours, peer = [], []
    for _ in range(RUNS):
        begun = time.process_time()
        whole = simulate(day).whole
        ours.append(time.process_time() - begun)
        begun = time.process_time()
        _bare(day, agents)
        peer.append(time.process_time() - begun)
    if whole.offered != CALLS or whole.answered + whole.abandoned + whole.blocked != CALLS:
        raise RuntimeError(f"not every call has an end: {whole}")
    return [
        Figure(
            name=f"P13 {CALLS:,} calls simulated",
            unit="s of processor time",
            ours=ours,
            peer=peer,
            peer_name="a bare heap of free agents",
            limit=LIMIT_S,
            higher_is_better=False,
            note=f"{agents} agents, {whole.abandoned:,} hung up",
        )
    ]


def _day() -> tuple[Day, int]:
    """Calls of four minutes all through a day, and one agent in twenty too few, so that lines form and people hang up."""
    dice = np.random.default_rng(2014)
    arrival = np.sort(dice.integers(0, HOURS * 3_600, CALLS))
    service, patience = (dice.exponential(mean, CALLS).astype(int) + 1 for mean in (240, 180))
    agents = int(0.95 * CALLS * 240 / (HOURS * 3_600))
    lists = (one.tolist() for one in (arrival, service, patience))
    return Day(**dict(zip(("arrival", "service", "patience"), lists, strict=True)), staff=((0, agents),)), agents


def _bare(day: Day, agents: int) -> int:
    free, waited = [0] * agents, 0
    for at, takes in zip(day.arrival, day.service, strict=True):
        begins = max(at, free[0])
        heapq.heapreplace(free, begins + takes)
        waited += begins - at
    return waited


if __name__ == "__main__":
    for figure in run():
        print(figure.line(), flush=True)

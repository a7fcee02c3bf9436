"""The audience index of a running service: kept in step with the database, and asked who an event reaches."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
from shapely import unary_union

from notify.alerts.alert import Event, Stage
from notify.alerts.audience import NOBODY, Concerned
from notify.alerts.hazards import Hazard
from notify.city import Policy
from notify.db import Database
from notify.sending import seeds
from notify.sending.planning import Audience
from subscribers import loading
from subscribers.index import Index

CHANNELS: Final = 16  # more than there will ever be; a group is language * CHANNELS + channel


class Crowd:
    """`open` loads it; `follow` catches up with what was committed since."""

    def __init__(self, db: Database, policy: Policy, hazards: Mapping[str, Hazard]) -> None:
        self._db, self._policy, self._hazards = db, policy, hazards
        self._audience: loading.Audience | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def index(self) -> Index:
        """Everybody as of the last `follow`. Raises LookupError before the first."""
        if self._audience is None:
            raise LookupError("The audience is not loaded yet.")
        return self._audience.index

    async def follow(self) -> None:
        async with self._one_at_a_time:
            if self._audience is None:
                self._audience = await self._db.read(loading.load)
            else:
                self._audience = await self._db.read(partial(loading.caught_up, audience=self._audience))

    async def choose(self, event: Event) -> Audience:
        """Everybody an event reaches, as of now, on the channels it uses."""
        await self.follow()
        index = self.index
        shape = unary_union([area.shape for area in event.areas])
        citywide = any(area.citywide for area in event.areas)
        bases = self._policy.bases(self._hazards[event.hazard], event.severity)
        matched = await asyncio.to_thread(index.match, shape, citywide=citywide, bases=bases)
        used = np.isin(matched.channel, matched.vocabulary.channels.codes(event.channels))
        skipped = {("", reason.name.lower().replace("_", " ")): count for reason, count in matched.left.items()}
        skipped["", "channel not used"] = int(np.count_nonzero(~used))
        concerned = NOBODY
        if event.stage is Stage.UPDATE:
            concerned = await asyncio.to_thread(whom_it_concerns, index, shape, event.channels, citywide=citywide)
        chosen = Audience(
            address_ids=matched.address_id[used],
            groups=matched.language[used].astype(np.int64) * CHANNELS + matched.channel[used],
            skipped={key: count for key, count in skipped.items() if count},
            concerned=concerned,
        )
        planted = await self._db.read(seeds.planted)
        return self._with_seeds(chosen, [one for one in planted if one.channel in event.channels and not one.stopped])

    def _with_seeds(self, chosen: Audience, planted: Sequence[seeds.Planted]) -> Audience:
        """Addresses of our own are in every audience, wherever it is. (They have no place: else they count as left out.)"""
        new = [one for one in planted if one.address_id not in chosen.address_ids]
        if not new:
            return chosen
        groups = [self.group(one.channel, one.language) for one in new]
        left = dict(chosen.skipped)
        if ("", "no place") in left:
            left["", "no place"] -= len(new)
        return replace(
            chosen,
            address_ids=np.concatenate([chosen.address_ids, np.array([one.address_id for one in new], np.int64)]),
            groups=np.concatenate([chosen.groups, np.array(groups, np.int64)]),
            skipped={key: count for key, count in left.items() if count > 0},
        )

    async def reached(self, event: Event, address_ids: Sequence[int]) -> list[int]:
        """Those of these addresses that the event is for, as of now; addresses that are not there any more are passed over."""
        await self.follow()
        return await asyncio.to_thread(self._reached, self.index, event, address_ids)

    def _reached(self, index: Index, event: Event, address_ids: Sequence[int]) -> list[int]:
        shape = unary_union([area.shape for area in event.areas])
        citywide = any(area.citywide for area in event.areas)
        bases = self._policy.bases(self._hazards[event.hazard], event.severity)
        found = []
        for address_id in address_ids:
            try:
                why = index.why(address_id, shape, citywide=citywide, bases=bases)
            except LookupError:  # erased meanwhile
                continue
            if why.how is not None and why.channel in event.channels:
                found.append(address_id)
        return found

    def group(self, channel: str, language: str) -> int:
        vocabulary = self.index.vocabulary
        return vocabulary.languages.code(language) * CHANNELS + vocabulary.channels.code(channel)


def whom_it_concerns(index: Index, shape: Any, channels: Collection[str], *, citywide: bool) -> Concerned:
    """Who is where an update is about. A basis or a channel that the update does not use, or a phone that cannot be reached,
    is no reason to tell somebody that they are out of danger."""
    anybody = index.match(shape, citywide=citywide, bases=index.vocabulary.bases.all())
    used = np.isin(anybody.channel, anybody.vocabulary.channels.codes(channels))
    return Concerned(still=anybody.address_id[used], within=index.within(shape, citywide=citywide))

"""Calls made up for tests."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from surge.contact import ALLOWED, TERMINAL, Contact, Moved, Standing

START = datetime(2014, 5, 23, 11, 0, tzinfo=UTC)


def a_call(**given: object) -> Contact:
    return Contact(**{"contact_id": "c1", "offered_at": START} | given)  # type: ignore[arg-type]


def events(*stands: tuple[int, Standing]) -> list[Moved]:
    """(second after the first ring, standing) each."""
    return [Moved(seq=n, at=START + timedelta(seconds=at), to=to) for n, (at, to) in enumerate(stands, 1)]


@st.composite
def walks(draw: st.DrawFn) -> list[Moved]:
    """Any life a contact can have, ended or not."""
    here, at, path = Standing.OFFERED, 0, []
    for _ in range(draw(st.integers(0, 12))):
        if here in TERMINAL:
            break
        here = draw(st.sampled_from(sorted(ALLOWED[here])))
        at += draw(st.integers(0, 400))
        path.append((at, here))
    return events(*path)

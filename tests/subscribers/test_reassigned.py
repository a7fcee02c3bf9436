"""Answers about numbers are taken whole or not at all, and every bad line is named."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.address import Samples
from subscribers.reassigned import ANSWERS, Answer, BadAnswers, read


def test_answers_are_read_however_they_are_spelt() -> None:
    data = (
        "\ufeffnumber,answer,date\n(503) 555-0123,YES,2026-05-01\n+15035550124,No_Data,2026-05-02\n5035550125,no,2026-05-03\n"
    )
    assert read(data.encode(), Samples.ALLOWED) == [
        Answer(number="+15035550123", gone=True, since=date(2026, 5, 1)),
        Answer(number="+15035550124", gone=False, since=date(2026, 5, 2)),
        Answer(number="+15035550125", gone=False, since=date(2026, 5, 3)),
    ]


def test_every_bad_line_is_named_and_nothing_is_taken() -> None:
    data = "number,answer,date\n+15035550123,yes,2026-05-01\nnobody,maybe,soon\n+15035550125,no\n"
    with pytest.raises(BadAnswers) as refused:
        read(data.encode(), Samples.ALLOWED)
    lines = [problem.partition(":")[0] for problem in refused.value.problems]
    assert lines == ["line 3", "line 3", "line 3", "line 4"]


@pytest.mark.parametrize("data", [b"", b"phone,answer\n", b"\xff\xfe\x00", b"number,date\n+15035550123,2026-05-01\n"])
def test_a_file_of_another_kind_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswers):
        read(data, Samples.ALLOWED)


@given(st.binary(max_size=80))
def test_whatever_the_bytes_are_it_is_answers_or_sentences(data: bytes) -> None:
    try:
        assert all(isinstance(one, Answer) for one in read(b"number,answer,date\n" + data, Samples.ALLOWED))
    except BadAnswers as refused:
        assert refused.problems


@given(st.sampled_from(ANSWERS), st.dates())
def test_only_a_yes_says_that_a_number_is_gone(answer: str, since: date) -> None:
    row = f"number,answer,date\n+15035550123,{answer},{since.isoformat()}\n"
    assert [one.gone for one in read(row.encode(), Samples.ALLOWED)] == [answer == "yes"]

"""Sets of ids are what Python's own sets say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from subscribers.id_sets import Ids, common, minus, union

some = st.lists(st.one_of(st.integers(0, 30), st.integers(-(2**60), 2**60)), max_size=40)


def ids(values: list[int]) -> Ids:
    return np.array(values, np.int64)


@given(one=some, other=some, third=some)
def test_sets_of_ids_are_ascending_and_name_everybody_once(one: list[int], other: list[int], third: list[int]) -> None:
    assert union(ids(one), ids(other), ids(third)).tolist() == sorted({*one, *other, *third})
    assert minus(union(ids(one)), ids(other)).tolist() == sorted(set(one) - set(other))
    assert common(ids(one), ids(other)).tolist() == sorted(set(one) & set(other))


def test_a_set_is_never_the_array_it_was_made_from() -> None:
    given_ids = ids([1, 2, 3])
    assert not np.shares_memory(union(given_ids), given_ids)

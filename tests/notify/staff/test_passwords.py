"""What a password costs whoever guesses, and that a name that is not there costs as much."""

from argon2 import PasswordHasher, Type, extract_parameters

from notify.staff import passwords


def test_a_name_that_is_not_there_costs_what_one_that_is_there_does() -> None:
    assert not PasswordHasher().check_needs_rehash(passwords._NOBODY)


def test_a_hash_costs_what_rfc_9106_asks_for_where_memory_is_short() -> None:
    """Its second recommended option, https://www.rfc-editor.org/rfc/rfc9106#section-4"""
    cost = extract_parameters(passwords._NOBODY)
    assert (cost.type, cost.memory_cost, cost.time_cost, cost.parallelism) == (Type.ID, 64 * 1024, 3, 4)


def test_nobody_has_the_password_of_nobody() -> None:
    assert not passwords.fits(None, "") and not passwords.fits(None, "a" * 32)


def test_a_password_fits_its_own_hash_alone() -> None:
    kept = passwords.hashed("four winds over the river")
    assert passwords.fits(kept, "four winds over the river") and not passwords.fits(kept, "four winds over the lake")

"""Our reading of a signature is that of Twilio's own library, whatever was signed."""

from hypothesis import example, given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from channels.twilio_signature import signature, signed

TOKEN = "simulated-token"
URL = "https://alerts.example.gov/reports/sms/41"
FORMS = st.lists(st.tuples(st.sampled_from(["To", "Body", "to", "", "é"]), st.text(st.characters(codec="utf-8"))), max_size=6)


@given(FORMS)
@example([("a", "2"), ("a", "1"), ("a", "2"), ("A", "")])
def test_a_signature_is_that_of_twilios_own_library(form: list[tuple[str, str]]) -> None:
    assert signature(TOKEN, URL, form) == RequestValidator(TOKEN).compute_signature(URL, MultiDict(form))


@given(FORMS, st.sampled_from(["", ":443"]), st.sampled_from(["", ":443"]))
def test_it_holds_with_and_without_the_port(form: list[tuple[str, str]], ours: str, theirs: str) -> None:
    made = RequestValidator(TOKEN).compute_signature(f"https://alerts.example.gov{theirs}/reports/sms/41", MultiDict(form))
    assert signed(TOKEN, f"https://alerts.example.gov{ours}/reports/sms/41", form, made)


@given(FORMS)
def test_no_other_token_and_no_other_field_will_do(form: list[tuple[str, str]]) -> None:
    assert not signed(TOKEN, URL, form, signature("another token", URL, form))
    assert not signed(TOKEN, URL, [*form, ("MessageStatus", "delivered")], signature(TOKEN, URL, form))
    assert not signed(TOKEN, URL, form, "\udce9" * 28)

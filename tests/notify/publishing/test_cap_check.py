"""Each rule of the standard and of the two profiles, shown by a document that breaks it and nothing else."""

import random
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from notify.alerts.alert import Mode, Stage
from notify.alerts.hazards import catalogue
from notify.publishing.cap import build
from notify.publishing.cap_check import Problem, Profile, problems
from tests.notify.factories import PORTLAND, SENT, a_reference, an_event, an_info

ENGLISH = build(an_event(infos=(an_info(),)), PORTLAND).decode()
BILINGUAL = build(an_event(), PORTLAND).decode()
UPDATE = build(an_event(stage=Stage.UPDATE, infos=(an_info(),)), PORTLAND).decode()
EXERCISE = build(an_event(mode=Mode.TRAINING, infos=(an_info(),)), PORTLAND).decode()
SQUARE = "45.46000,-122.56000 45.50000,-122.56000 45.50000,-122.60000 45.46000,-122.60000 45.46000,-122.56000"
EAS = "<parameter><valueName>EAS-ORG</valueName><value>CIV</value></parameter>"
COUNTY = "<geocode><valueName>SAME</valueName><value>041051</value></geocode>"
EFFECTIVE = "<effective>2014-05-23T08:40:12-07:00</effective>"


def edit(xml: str, *changes: tuple[str, str]) -> str:
    """The document with each piece replaced where it first stands."""
    for old, new in changes:
        assert old in xml, old
        xml = xml.replace(old, new, 1)
    return xml


def without(xml: str, name: str) -> str:
    """The document without the first element of that name."""
    start, end = xml.index(f"<{name}>"), xml.index(f"</{name}>") + len(f"</{name}>")
    return xml[:start] + xml[end:]


TWICE = edit(BILINGUAL, ("es-US", "en-US"), ("Boil tap water [es-US]", "Boil tap water [en-US]"))
IPAWS = edit(ENGLISH, (EFFECTIVE, ""), ("</contact>", f"</contact>{EAS}"), ("</polygon>", f"</polygon>{COUNTY}"))


def found(xml: str, profile: Profile = "cap") -> list[tuple[str, bool]]:
    told = problems(xml.encode(), profile)
    assert all(one.sentence.endswith(".") and "\n" not in one.sentence for one in told)
    assert all(0 < one.line <= xml.count("\n") + 1 for one in told)
    return [(one.rule, one.advice) for one in told]


@pytest.mark.parametrize("profile", ["cap", "google", "ipaws"])
def test_a_good_document_has_no_problems(profile: Profile) -> None:
    for xml in (ENGLISH, BILINGUAL, UPDATE, EXERCISE) if profile != "ipaws" else (IPAWS,):
        assert found(xml, profile) == []


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_what_we_publish_about_a_hazard_has_no_problems(key: str) -> None:
    for mode in Mode:
        for stage in Stage:
            event = an_event(hazard=key, mode=mode, stage=stage)
            xml = build(event, PORTLAND)
            assert problems(xml, "cap") == []
            shown = problems(xml, "google", event.references)
            # A fact about tests that whoever sends one should know; nothing else may be found.
            test = mode is not Mode.TRAINING and (stage is Stage.TEST or key == "test")
            assert [one.rule for one in shown] == (["TEST_IS_NEVER_DISPLAYED"] if test else [])
            assert all(one.advice for one in shown)
            if catalogue()[key].same:
                assert all(one.advice for one in problems(xml, "ipaws", event.references))


CAP_RULES: list[tuple[str, str]] = [
    ("MISSING_REQUIRED_ELEMENT", without(ENGLISH, "sender")),
    ("MISSING_REQUIRED_ELEMENT", without(ENGLISH, "scope")),
    ("MISSING_REQUIRED_ELEMENT", without(ENGLISH, "severity")),
    ("MISSING_REQUIRED_ELEMENT", without(ENGLISH, "areaDesc")),
    ("MISSING_REQUIRED_ELEMENT", without(ENGLISH, "valueName")),
    ("MISSING_REQUIRED_ELEMENT", edit(ENGLISH, ("<event>Boil tap water [en-US]</event>", "<event> </event>"))),
    ("MISSING_REQUIRED_ELEMENT", edit(ENGLISH, ("</contact>", "</contact><resource><mimeType>a/b</mimeType></resource>"))),
    ("DUPLICATE_ELEMENT", edit(ENGLISH, ("</status>", "</status><status>Actual</status>"))),
    ("DUPLICATE_ELEMENT", edit(ENGLISH, ("</headline>", "</headline><headline>Again</headline>"))),
    ("UNSUPPORTED_ELEMENT", edit(ENGLISH, ("</scope>", "</scope><password>x</password>"))),
    ("UNSUPPORTED_ELEMENT", edit(ENGLISH, ("</scope>", '</scope><code xmlns="urn:other">x</code>'))),
    ("UNSUPPORTED_ELEMENT", edit(ENGLISH, ("Tests found", "Tests <b>found</b>"))),
    ("INVALID_SEQUENCE", edit(ENGLISH, ("<scope>Public</scope>", ""), ("<identifier>", "<scope>Public</scope><identifier>"))),
    ("INVALID_SEQUENCE", edit(ENGLISH, (EFFECTIVE, ""), ("</expires>", f"</expires>{EFFECTIVE}"))),
    ("INVALID_SEQUENCE", edit(ENGLISH, ("</polygon>", "</polygon><ceiling>9</ceiling><altitude>3</altitude>"))),
    ("STRAY_TEXT", edit(ENGLISH, ("<info>", "<info>words"))),
    ("STRAY_TEXT", edit(ENGLISH, ("</info>", "</info>words"))),
    ("INVALID_IDENTIFIER", edit(ENGLISH, ("<identifier>", "<identifier>a b"))),
    ("INVALID_IDENTIFIER", edit(ENGLISH, ("<identifier>", "<identifier> "))),
    ("INVALID_IDENTIFIER", edit(ENGLISH, ("<identifier>", "<identifier>a<!-- -->,b"))),
    ("INVALID_SENDER", edit(ENGLISH, ("alerts@", "alerts&lt;@"))),
    ("INVALID_SENDER", edit(ENGLISH, ("alerts@", "alerts&amp;@"))),
    ("INVALID_SENDER", edit(ENGLISH, ("alerts@example.gov", ""))),
    ("INVALID_DATE", edit(ENGLISH, ("<sent>2014-05-23T08:40:12-07:00", "<sent>2014-05-23T15:40:12Z"))),
    ("INVALID_DATE", edit(ENGLISH, ("<sent>2014-05-23T08:40:12-07:00", "<sent>2014-05-23T08:40:12.5-07:00"))),
    ("INVALID_DATE", edit(ENGLISH, ("<sent>2014-05-23T08:40:12-07:00", "<sent>2014-05-23T08:40:12"))),
    ("INVALID_DATE", edit(ENGLISH, ("<sent>2014-05-23T08:40:12-07:00", "<sent>2014-05-23 08:40:12-07:00"))),
    ("INVALID_DATE", edit(ENGLISH, ("<sent>2014-05-23", "<sent>2014-02-29"))),
    ("INVALID_DATE", edit(ENGLISH, ("<sent>2014-05-23T08:40:12-07:00", "<sent>2014-05-23T08:40:12-17:00"))),
    ("INVALID_DATE", edit(ENGLISH, ("<sent>2014-05-23", "<sent>２０１４-05-23"))),
    ("INVALID_DATE", edit(ENGLISH, ("<effective>2014", "<effective>14"))),
    ("INVALID_DATE", edit(ENGLISH, ("</effective>", "</effective><onset>noon</onset>"))),
    ("INVALID_DATE", edit(ENGLISH, ("<expires>2014-05-24T08", "<expires>2014-05-24T25"))),
    ("INVALID_ENUM_VALUE", edit(ENGLISH, (">Actual<", ">actual<"))),
    ("INVALID_ENUM_VALUE", edit(ENGLISH, (">Actual<", "> Actual<"))),
    ("INVALID_ENUM_VALUE", edit(ENGLISH, (">Alert<", ">Warning<"))),
    ("INVALID_ENUM_VALUE", edit(ENGLISH, (">Public<", ">Everybody<"))),
    ("INVALID_ENUM_VALUE", edit(ENGLISH, (">Health<", ">Water<"))),
    ("INVALID_ENUM_VALUE", edit(ENGLISH, (">Execute<", ">Boil<"))),
    ("INVALID_ENUM_VALUE", edit(ENGLISH, (">Immediate<", ">Now<"))),
    ("INVALID_ENUM_VALUE", edit(ENGLISH, (">Severe<", ">Bad<"))),
    ("INVALID_ENUM_VALUE", edit(ENGLISH, (">Observed<", ">Very Likely<"))),
    ("RESTRICTION_IS_REQUIRED", edit(ENGLISH, (">Public<", ">Restricted<"))),
    ("RESTRICTION_SCOPE_MISMATCH", edit(ENGLISH, ("</scope>", "</scope><restriction>Police</restriction>"))),
    ("ADDRESSES_ARE_REQUIRED", edit(ENGLISH, (">Public<", ">Private<"))),
    ("NOTE_IS_REQUIRED", without(EXERCISE, "note")),
    ("NOTE_IS_REQUIRED", edit(EXERCISE, ("Spring exercise", " "))),
    ("NOTE_IS_REQUIRED", edit(ENGLISH, (">Alert<", ">Error<"))),
    ("INVALID_REFERENCES", edit(UPDATE, ("alerts@example.gov,", ""))),
    ("INVALID_REFERENCES", edit(UPDATE, ("07:40:12-07:00</references>", "07:40:12Z</references>"))),
    ("INVALID_REFERENCES", edit(UPDATE, ("</references>", " more</references>"))),
    ("INVALID_REFERENCES", edit(ENGLISH, ("</code>", "</code><references> </references>"))),
    ("CIRCULAR_REFERENCE", edit(UPDATE, (f"{UUID(int=1)},", f"{UUID(int=2)},"))),
    ("POSTDATED_REFERENCE", edit(UPDATE, ("07:40:12-07:00</references>", "07:40:12-09:00</references>"))),
    ("INVALID_LANGUAGE", edit(ENGLISH, ("<language>en-US", "<language>en_US"))),
    ("INVALID_LANGUAGE", edit(ENGLISH, ("<language>en-US", "<language>American English"))),
    ("INVALID_POLYGON", edit(ENGLISH, (SQUARE, "45.46,-122.56 45.5,-122.56 45.46,-122.56"))),
    ("INVALID_POLYGON", edit(ENGLISH, (SQUARE, SQUARE.rpartition(" ")[0]))),
    ("INVALID_POLYGON", edit(ENGLISH, (SQUARE, SQUARE.replace("-122.56000 45.5", "-122.56000, 45.5")))),
    ("INVALID_POLYGON", edit(ENGLISH, (SQUARE, "-122.6,45.5 -122.5,45.5 -122.5,45.4 -122.6,45.5"))),
    ("INVALID_POLYGON", edit(ENGLISH, (SQUARE, SQUARE.replace("45.46000", "4.546e1")))),
    ("INVALID_POLYGON", edit(ENGLISH, (SQUARE, SQUARE.replace("45.46000", "nan")))),
    ("INVALID_POLYGON", edit(ENGLISH, (SQUARE, ""))),
    ("INVALID_CIRCLE", edit(ENGLISH, ("</polygon>", "</polygon><circle>45.5,-122.6</circle>"))),
    ("INVALID_CIRCLE", edit(ENGLISH, ("</polygon>", "</polygon><circle>45.5,-122.6 -1</circle>"))),
    ("INVALID_CIRCLE", edit(ENGLISH, ("</polygon>", "</polygon><circle>45.5 -122.6 1</circle>"))),
    ("INVALID_CIRCLE", edit(ENGLISH, ("</polygon>", "</polygon><circle>45.5,-222.6 1</circle>"))),
    ("INVALID_AREA", edit(ENGLISH, ("</polygon>", "</polygon><ceiling>900</ceiling>"))),
    ("INVALID_ALTITUDE_CEILING_RANGE", edit(ENGLISH, ("</polygon>", "</polygon><altitude>9</altitude><ceiling>3</ceiling>"))),
    ("INVALID_HEIGHT", edit(ENGLISH, ("</polygon>", "</polygon><altitude>high</altitude>"))),
    ("INFOS_MUST_AGREE", edit(BILINGUAL, (">Severe<", ">Minor<"))),
    ("INFOS_MUST_AGREE", edit(BILINGUAL, ("<expires>2014-05-24", "<expires>2014-05-25"))),
    ("INFOS_MUST_AGREE", edit(BILINGUAL, (SQUARE, SQUARE.replace("45.46", "45.47")))),
    ("INFOS_MUST_AGREE", edit(BILINGUAL, (">Health<", ">Met<"))),
    ("INFOS_MUST_AGREE", edit(BILINGUAL, (">LAE<", ">CEM<"))),
    ("INFOS_MUST_AGREE", edit(BILINGUAL, (">Execute<", ">Avoid<"))),
    ("ALL_CLEAR_MUST_UPDATE", edit(ENGLISH, (">Execute<", ">AllClear<"))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "xml"), CAP_RULES, ids=lambda value: value if value.isupper() else "")
def test_a_rule_of_the_standard_is_told_and_nothing_else(rule: str, xml: str) -> None:
    assert found(xml) == [(rule, False)]
    assert (rule, False) in found(xml, "google")
    assert (rule, False) in found(xml, "ipaws")


def test_infos_that_disagree_are_told_in_what() -> None:
    xml = edit(BILINGUAL, (">Severe<", ">Minor<"), (SQUARE, SQUARE.replace("45.46", "45.47")))
    (one,) = problems(xml.encode(), "cap")
    assert one.sentence == "The infos in es-US and en-US differ in severity, area."


def test_every_language_may_say_several_things_if_it_says_them_all() -> None:
    infos = BILINGUAL[BILINGUAL.index("  <info>") : BILINGUAL.index("</alert>")]
    english, spanish = infos[: infos.index("</info>") + 7], infos[infos.index("</info>") + 7 :]
    minor = english.replace(">Severe<", ">Minor<"), spanish.replace(">Severe<", ">Minor<")
    assert found(edit(BILINGUAL, ("</alert>", "".join(minor) + "</alert>"))) == []
    assert found(edit(BILINGUAL, ("</alert>", minor[0] + "</alert>"))) == [("INFOS_MUST_AGREE", False)]


GOOGLE_RULES: list[tuple[str, str]] = [
    ("UPDATE_OR_CANCEL_MUST_REFERENCE", without(UPDATE, "references")),
    ("INFO_IS_REQUIRED", without(ENGLISH, "info")),
    ("CATEGORIES_MUST_MATCH", edit(TWICE, (">Health<", ">Met<"))),
    ("EVENT_CODES_MUST_MATCH", edit(TWICE, (">LAE<", ">CEM<"))),
    ("EVENTS_IN_SAME_LANGUAGE_MUST_MATCH", edit(BILINGUAL, ("<language>es-US", "<language>en-US"))),
    ("DESCRIPTION_IS_REQUIRED", without(ENGLISH, "description")),
    ("WEB_IS_REQUIRED", without(ENGLISH, "web")),
    ("WEB_IS_REQUIRED", edit(ENGLISH, ("https://alerts.example.gov/a/K7Q2", " "))),
    ("INVALID_WEB", edit(ENGLISH, ("https://alerts.example.gov", ""))),
    ("INVALID_WEB", edit(ENGLISH, ("https://alerts.example.gov", "javascript:"))),
    ("INVALID_WEB", edit(ENGLISH, ("https://alerts.example.gov", "https://["))),
    ("EXPIRES_IS_REQUIRED", without(ENGLISH, "expires")),
    ("AREA_IS_REQUIRED", without(ENGLISH, "area")),
    ("CIRCLE_POLYGON_OR_GEOCODE_IS_REQUIRED", without(ENGLISH, "polygon")),
    ("INVALID_POLYGON_SELF_INTERSECTION", edit(ENGLISH, (SQUARE, "0,0 1,1 1,0 0,1 0,0"))),
    ("INVALID_POLYGON_SELF_INTERSECTION", edit(ENGLISH, (SQUARE, "1,1 1,1 1,1 1,1"))),
    ("POLYGON_TOO_LONG", edit(ENGLISH, (SQUARE, f"{'1,1 2,1 2,2 1,2 ' * 1_300}1,1"))),
    ("EFFECTIVE_NOT_AFTER_EXPIRES", edit(ENGLISH, ("<expires>2014", "<expires>2013"))),
    ("EFFECTIVE_NOT_AFTER_EXPIRES", edit(ENGLISH, ("<expires>2014", "<expires>2013"), (EFFECTIVE, ""))),
]  # fmt: skip

GOOGLE_ADVICE: list[tuple[str, str]] = [
    ("SENDER_NAME_STRONGLY_RECOMMENDED", without(ENGLISH, "senderName")),
    ("RESPONSE_TYPE_STRONGLY_RECOMMENDED", without(ENGLISH, "responseType")),
    ("INSTRUCTION_STRONGLY_RECOMMENDED", without(ENGLISH, "instruction")),
    ("CONTACT_IS_RECOMMENDED", without(ENGLISH, "contact")),
    ("CIRCLE_POLYGON_ENCOURAGED", edit(without(ENGLISH, "polygon"), ("</areaDesc>", f"</areaDesc>{COUNTY}"))),
    ("HEADLINE_TOO_LONG", edit(ENGLISH, ("<headline>", "<headline>" + "x" * 110))),
    ("UNKNOWN_URGENCY_DISCOURAGED", edit(ENGLISH, (">Immediate<", ">Unknown<"))),
    ("UNKNOWN_SEVERITY_DISCOURAGED", edit(ENGLISH, (">Severe<", ">Unknown<"))),
    ("UNKNOWN_CERTAINTY_DISCOURAGED", edit(ENGLISH, (">Observed<", ">Unknown<"))),
    ("NONZERO_CIRCLE_RADIUS_RECOMMENDED", edit(ENGLISH, ("</polygon>", "</polygon><circle>45.5,-122.6 0.0</circle>"))),
    ("SENT_INCLUDE_TIMEZONE_OFFSET", edit(ENGLISH, ("08:40:12-07:00</sent>", "15:40:12-00:00</sent>"))),
    ("EFFECTIVE_INCLUDE_TIMEZONE_OFFSET", edit(ENGLISH, ("08:40:12-07:00</eff", "15:40:12+00:00</eff"))),
    ("ONSET_INCLUDE_TIMEZONE_OFFSET", edit(ENGLISH, ("</effective>", "</effective><onset>2014-05-23T16:00:00+00:00</onset>"))),
    ("EXPIRES_INCLUDE_TIMEZONE_OFFSET", edit(ENGLISH, ("08:40:12-07:00</exp", "15:40:12+00:00</exp"))),
    ("TEST_IS_NEVER_DISPLAYED", edit(ENGLISH, (">Actual<", ">Test<"))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "xml"), GOOGLE_RULES, ids=lambda value: value if value.isupper() else "")
def test_a_rule_of_google_is_told_and_nothing_else(rule: str, xml: str) -> None:
    assert found(xml, "google") == [(rule, False)]
    assert found(xml) == []


@pytest.mark.parametrize(("rule", "xml"), GOOGLE_ADVICE, ids=lambda value: value if value.isupper() else "")
def test_an_advice_of_google_is_told_as_advice(rule: str, xml: str) -> None:
    assert found(xml, "google") == [(rule, True)]
    assert found(xml) == []


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"headline": "same", "description": "same"}, "HEADLINE_AND_DESCRIPTION_SHOULD_DIFFER"),
        ({"headline": "same", "instruction": "same"}, "HEADLINE_AND_INSTRUCTION_SHOULD_DIFFER"),
        ({"description": "same", "instruction": "same"}, "DESCRIPTION_AND_INSTRUCTION_SHOULD_DIFFER"),
    ],
)
def test_headline_description_and_instruction_say_different_things(fields: dict[str, str], rule: str) -> None:
    xml = build(an_event(infos=(an_info(**fields),)), PORTLAND).decode()
    assert found(xml, "google") == [(rule, True)]


def test_a_headline_of_139_characters_is_short_enough() -> None:
    for length, told in ((139, []), (140, [("HEADLINE_TOO_LONG", True)])):
        assert found(build(an_event(infos=(an_info(headline="x" * length),)), PORTLAND).decode(), "google") == told


@pytest.mark.parametrize("profile", ["google", "ipaws"])
@pytest.mark.parametrize("stage", [Stage.UPDATE, Stage.ALL_CLEAR, Stage.FALSE_ALARM])
def test_every_related_message_that_has_not_expired_is_referenced(profile: Profile, stage: Stage) -> None:
    first, second = a_reference(), a_reference(identifier=str(UUID(int=3)), sent=SENT - timedelta(minutes=5, microseconds=7))
    for references, missing in (((first, second), 0), ((first,), 1), ((second,), 1), ((), 1)):
        xml = build(an_event(stage=stage, references=references), PORTLAND)
        told = [one for one in problems(xml, profile, (first, second)) if not one.advice]
        assert [one.rule for one in told] == ["UPDATE_OR_CANCEL_MUST_REFERENCE"] * missing


def test_a_reference_to_the_right_message_at_the_wrong_time_is_none() -> None:
    earlier = a_reference(sent=a_reference().sent - timedelta(seconds=1))
    xml = build(an_event(stage=Stage.UPDATE), PORTLAND)
    assert [one.rule for one in problems(xml, "google", (earlier,))] == ["UPDATE_OR_CANCEL_MUST_REFERENCE"]


def test_a_first_alert_references_nothing_whatever_else_goes_on() -> None:
    assert problems(ENGLISH.encode(), "google", (a_reference(),)) == []


IPAWS_RULES: list[tuple[str, str]] = [
    ("SENT_INCLUDE_TIMEZONE_OFFSET", edit(IPAWS, ("08:40:12-07:00</sent>", "15:40:12+00:00</sent>"))),
    ("EXPIRES_INCLUDE_TIMEZONE_OFFSET", edit(IPAWS, ("08:40:12-07:00</exp", "15:40:12+00:00</exp"))),
    ("VERSION_CODE_REQUIRED", without(IPAWS, "code")),
    ("SAME_EVENT_CODE_REQUIRED", edit(IPAWS, (">LAE<", ">LAEX<"))),
    ("SAME_EVENT_CODE_REQUIRED", edit(IPAWS, (">OET<", ">SAME<"), (">OET-144<", ">CEM<"))),
    ("SAME_EVENT_CODE_REQUIRED", without(IPAWS, "eventCode")),
    ("CATEGORIES_MUST_MATCH", edit(IPAWS, ("</alert>", IPAWS[IPAWS.index("<info>") :].replace(">Health<", ">Met<")))),
    ("EVENT_CODES_MUST_MATCH", edit(IPAWS, ("</alert>", IPAWS[IPAWS.index("<info>") :].replace(">LAE<", ">CEM<")))),
    ("EXPIRES_IS_REQUIRED", without(IPAWS, "expires")),
    ("AREA_IS_REQUIRED", without(IPAWS, "area")),
    ("UPDATE_OR_CANCEL_MUST_REFERENCE", edit(IPAWS, (">Alert<", ">Cancel<"))),
]  # fmt: skip

IPAWS_ADVICE: list[tuple[str, str]] = [
    ("INFO_EFFECTIVE_IS_IGNORED", edit(IPAWS, ("<expires>", f"{EFFECTIVE}<expires>"))),
    ("INFO_ONSET_IS_IGNORED", edit(IPAWS, ("<expires>", f"{EFFECTIVE.replace('effective', 'onset')}<expires>"))),
    ("INFO_DESCRIPTION_RECOMMENDED", without(IPAWS, "description")),
    ("INFO_INSTRUCTION_RECOMMENDED", without(IPAWS, "instruction")),
    ("AREA_SAME_GEOCODE_RECOMMENDED", without(IPAWS, "geocode")),
    ("AREA_SAME_GEOCODE_RECOMMENDED", edit(IPAWS, (">041051<", ">41051<"))),
    ("EAS_ORG_RECOMMENDED", without(IPAWS, "parameter")),
]


@pytest.mark.parametrize(("rule", "xml"), IPAWS_RULES, ids=lambda value: value if value.isupper() else "")
def test_a_rule_of_ipaws_is_told_and_nothing_else(rule: str, xml: str) -> None:
    assert found(xml, "ipaws") == [(rule, False)]
    assert found(xml) == []


@pytest.mark.parametrize(("rule", "xml"), IPAWS_ADVICE, ids=lambda value: value if value.isupper() else "")
def test_an_advice_of_ipaws_is_told_as_advice(rule: str, xml: str) -> None:
    assert found(xml, "ipaws") == [(rule, True)]


def test_a_problem_names_its_line() -> None:
    xml = edit(ENGLISH, (">Severe<", ">Bad<"))
    (one,) = problems(xml.encode(), "cap")
    assert one == Problem(
        rule="INVALID_ENUM_VALUE",
        sentence='<severity> is "Bad"; CAP knows Extreme, Severe, Moderate, Minor, Unknown.',
        line=xml[: xml.index(">Bad<")].count("\n") + 1,
    )


def test_all_problems_are_told_at_once_in_the_order_of_the_document() -> None:
    xml = edit(ENGLISH, (">Severe<", ">Bad<"), ("<sent>2014", "<sent>"), ("</event>", "</event><extra/>"))
    told = problems(without(xml, "web").encode(), "google")
    assert [one.rule for one in told] == ["INVALID_DATE", "WEB_IS_REQUIRED", "UNSUPPORTED_ELEMENT", "INVALID_ENUM_VALUE"]
    assert [one.line for one in told] == sorted(one.line for one in told)


def test_a_signature_may_close_the_document() -> None:
    signature = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature>'
    assert found(edit(ENGLISH, ("</alert>", f"{signature}</alert>"))) == []
    assert found(edit(ENGLISH, ("<info>", f"{signature}<info>"))) == [("INVALID_SEQUENCE", False)]


@given(st.randoms(use_true_random=False), st.sampled_from(["", "info", "info/area", "info/eventCode"]))
@settings(max_examples=80, deadline=None)
def test_any_other_order_of_elements_is_told(chance: random.Random, path: str) -> None:
    root = etree.fromstring(UPDATE.encode())
    parent = root.find("/".join(f"{{*}}{name}" for name in path.split("/"))) if path else root
    before = [child.tag for child in parent]
    shuffled = list(parent)
    chance.shuffle(shuffled)
    parent[:] = shuffled
    told = [] if [child.tag for child in parent] == before else ["INVALID_SEQUENCE"]
    assert [one.rule for one in problems(etree.tostring(root), "cap")] == told


@given(st.data(), st.sampled_from(["cap", "google", "ipaws"]))
@settings(max_examples=200, deadline=None)
def test_no_bytes_whatever_make_the_check_fail(data: st.DataObject, profile: Profile) -> None:
    xml = data.draw(st.sampled_from([BILINGUAL, UPDATE, IPAWS])).encode()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(xml)))
        end = min(len(xml), start + data.draw(st.integers(0, 30)))
        piece = data.draw(st.one_of(st.binary(max_size=8), st.sampled_from([b"<info>", b"</info>", b"<a/>", b",", b" ", b"9"])))
        xml = xml[:start] + piece + xml[end:]
    assert isinstance(problems(xml, profile), list)


@given(
    st.text(max_size=40),
    st.sampled_from([">Actual<", ">LAE<", SQUARE, "2014-05-23T08:40:12-07:00", "en-US", "alerts@", "K7Q2"]),
)
@settings(max_examples=150, deadline=None)
def test_no_text_whatever_makes_the_check_fail(words: str, place: str) -> None:
    clean = "".join(letter for letter in words if letter.isprintable() and letter not in "<>&")
    mark: Callable[[str], str] = lambda old: f">{clean}<" if old.startswith(">") else clean  # noqa: E731
    for profile in ("cap", "google", "ipaws"):
        problems(edit(UPDATE, (place, mark(place))).encode(), profile)

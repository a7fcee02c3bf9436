"""Words that mean something to a template, page, feed, mail or call script come out of every output as they were typed."""

import json
import xml.etree.ElementTree as etree
from collections import defaultdict
from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any, Final

import feedparser
import pytest
from lxml import html

from channels.mime import build as build_mail
from channels.text import sanitise
from notify import data
from notify.alerts.alert import Event
from notify.publishing import cap, feeds
from notify.publishing.bulletin import threads
from notify.publishing.pages import Pages
from notify.residents.own_page import Mine
from notify.residents.replies import Replies
from notify.residents.signup_words import ALERTS_HERE
from notify.residents.signup_words import words as labels
from notify.web import visit
from notify.web.inbound import twiml
from notify.web.screens import Screens
from notify.web.signup import Typed
from notify.wording.render import render
from subscribers.dialog.turn import Reply, Sent
from subscribers.place import NamedPlace, Point
from subscribers.store import SavedPlace
from tests.channels.mail_factories import a_letterhead
from tests.notify.feed_factory import PACIFIC, a_bulletin, a_site, an_event, at
from tests.notify.subjects import a_subject, reviews_of, the_words

HOSTILE: Final = (
    "{{7*7}}",
    "{{ 7*'7' }}",
    "{% for x in range(9) %}x{% endfor %}",
    "{%- if 1 -%}x{%- endif -%}",
    "{# comment #}",
    "{{ url }}",
    "{{ self.__init__.__globals__ }}",
    "{{ ''.__class__.__mro__ }}",
    "${7*7}",
    "${x}",
    "$url",
    "#{7*7}",
    "<%= 7*7 %>",
    "%(x)s",
    "%(url)s",
    "%s",
    "100%",
    "%%",
    "{0.__class__}",
    "{url}",
    "{}",
    "{",
    "}}",
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</title><h1>All clear</h1>",
    "<!-- all clear -->",
    "<![CDATA[x]]>",
    "]]>",
    "&lt;b&gt;",
    "&amp;",
    "& < > \" '",
    "<?xml version='1.0'?>",
    "<!DOCTYPE x>",
    "&xxe;",
    "</Message><Message>x</Message>",
    "</Say><Dial>911</Dial>",
    "javascript:alert(1)",
    "../../etc/passwd",
)
WORDS = the_words()
REVIEWS = reviews_of(WORDS, "en")
REPLIES = Replies(WORDS, (), allow_drafts=True)
SITE = a_site(languages=("en",))
PAGES = Pages.load()
SCREENS = Screens(data.folder("templates"), SITE, number="+15035550100", terms="2026-11")
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


def an_alert(hostile: str) -> Event:
    """An alert of whose words an operator typed the title, the danger, the area and the sender."""
    typed = {"hazard_words": hostile, "impact": f"{hostile} is what it is.", "guidance": f"Mind {hostile} now."}
    subject = replace(a_subject("other", slots=typed), place={"en": hostile}, source=hostile, source_short=hostile)
    said = render(subject, WORDS, REVIEWS, {"en": "en-US"}, allow_drafts=False)
    return an_event(
        hazard="other",
        infos=said.infos,
        pages=said.pages,
        contents=said.contents,
        sender_name=hostile,
        languages_used={"en": "en"},
    )


def the_mail(event: Event) -> tuple[str, str, str]:
    """Subject, text and HTML, as a mail program reads them from the wire."""
    template = build_mail(event.contents["email/first/en"], a_letterhead(from_name=event.sender_name))
    head = b"".join(f"{name}: {value}\r\n".encode() for name, value in template.fields)
    mail = message_from_bytes(head + b"\r\n" + template.body, policy=policy.SMTP)
    text, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None and rich is not None
    return mail["Subject"], text.get_content(), visible(rich.get_content())


def visible(page: str | bytes) -> str:
    document = html.document_fromstring(page.encode() if isinstance(page, str) else page)
    assert not document.xpath("//script[not(@src)] | //img[@onerror] | //b | //h1[text()='All clear']")
    return str(document.text_content())


def the_feeds(event: Event) -> dict[str, str]:
    alert = a_bulletin(1, infos=event.infos, pages=event.pages, sender_name=event.sender_name, contents=event.contents)
    files = feeds.files([alert], at(5), SITE)
    atom = feedparser.parse(files["feeds/active.atom"], sanitize_html=False)
    assert not atom.bozo
    rss = etree.fromstring(files["feeds/active.rss"]).find("channel/item")
    assert rss is not None
    geojson = json.loads(files["feeds/active.geojson"])["features"][0]["properties"]
    (thread,) = threads([alert], at(5))
    page = PAGES.of_thread(thread, SITE)["a/K7Q2.html"]
    listed = PAGES.of_list([thread], at(5), SITE)["index.html"]
    return {
        "Atom": f"{atom.entries[0].title} {atom.entries[0].summary}",
        "RSS": f"{rss.findtext('title')} {rss.findtext('description')}",
        "GeoJSON": f"{geojson['headline']} {geojson['description']}",
        "page": visible(page),
        "list": visible(listed),
    }


def the_cap(event: Event) -> str:
    info = etree.fromstring(cap.build(event, PACIFIC)).find(f"{CAP}info")
    assert info is not None
    return " ".join(info.findtext(f"{CAP}{name}") or "" for name in ("event", "headline", "description", "senderName"))


def the_answer(hostile: str, event: Event) -> str:
    """What a resident's phone shows who called a place this, and who is sent the alert."""
    named = REPLIES.text(Reply(key="M13", language="en", slots={"label": hostile, "places": (hostile,)}))
    sent = REPLIES.text(Sent(body=event.contents["sms/first/en"].body, language="en"))
    document = etree.fromstring(twiml([named.body, sent.body]))
    assert [child.tag for child in document] == ["Message", "Message"]
    return " ".join(child.text or "" for child in document)


def the_sign_up(hostile: str) -> dict[str, str]:
    """What the sign-up pages show of what was typed into them: in fields, as a place, as a name, in a sentence."""
    typed = Typed(contact=hostile, place=hostile, choice=hostile)
    values: dict[str, Any] = {"typed": typed, "choices": [(hostile, hostile)], "faults": {"contact": hostile}}
    asked = page_of("subscribe", **values, agreed="", action="", manage="")
    fields = html.document_fromstring(asked.encode())
    spot = Point(lat=45.5, lon=-122.6, block=hostile)
    places = (SavedPlace(place_id=1, label="HOME", spot=spot), SavedPlace(place_id=2, label="WORK", spot=NamedPlace(hostile)))
    mine = Mine(name=hostile, channel="sms", language="en", is_stopped=False, places=places)
    more = visit.Typed(place=hostile, choice=hostile, label=hostile)
    own = page_of("mine", mine=mine, typed=more, choices=[(hostile, hostile)], paths=defaultdict(str), agreed="", saved=False)
    adding = html.document_fromstring(own.encode())
    return {
        "sign-up fields": " ".join([*fields.xpath("//input[@id='contact']/@value"), visible(asked)]),
        "sign-up place": " ".join(fields.xpath("//input[@id='place']/@value")),
        "sign-up choice": " ".join(fields.xpath("//input[@name='choice']/@value")),
        "own page": visible(own),
        "own page's place": " ".join(adding.xpath("//input[@id='place']/@value")),
        "own page's label": " ".join(adding.xpath("//input[@id='label']/@value")),
        "confirm page": visible(page_of("press", title="", paragraphs=[ALERTS_HERE.format(place=hostile)], button="")),
        "done page": visible(page_of("message", title="", paragraphs=[labels("en").say(ALERTS_HERE, place=hostile)])),
    }


def page_of(name: str, **values: Any) -> str:
    text = SCREENS.page(name, "en", **values).text
    assert text is not None
    return text


def said(hostile: str) -> dict[str, str]:
    event = an_alert(hostile)
    subject, text, rich = the_mail(event)
    outputs = {
        "SMS": event.contents["sms/first/en"].body,
        "mail subject": subject,
        "mail text": text,
        "mail HTML": rich,
        "CAP": the_cap(event),
        "TwiML": the_answer(hostile, event),
    }
    return outputs | the_feeds(event) | the_sign_up(hostile)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_was_typed_is_what_is_read(hostile: str) -> None:
    wanted = " ".join(sanitise(hostile).text.split())
    missing = [name for name, text in said(hostile).items() if wanted not in " ".join(text.split())]
    assert missing == []


def test_nothing_is_reckoned() -> None:
    """49 and the like would be the answer of a template that ran what was typed."""
    for name, text in said("{{6*7}} ${6*7} #{6*7}").items():
        assert "42" not in text, name

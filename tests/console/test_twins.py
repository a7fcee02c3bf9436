"""What can be done on the console's pages and by the API, side by side: whoever adds a page that changes something names its
twin here, or why there is none, or this fails."""

import pytest

from notify import keys
from notify.console.pages import Console
from notify.web.api import Api
from notify.web.openapi import BRACES, path_of
from tests.console.staff_factory import House

API = "/api/v1"
ALERT, SURGE = "/alerts/{alert_id}", "/surge/activations/{activation_id}"
HELD = "/surge/desk/contacts/{contact_id}"
BROWSER = "of a browser's session, which a token has none of"
STEPS = ("arm", "disarm", "open", "level", "stand-down", "close", "report")
# What a page posts -> the requests that do the same; or why there are none.
TWINS: dict[str, tuple[str, ...] | str] = {
    "/sign-in": BROWSER,
    "/sign-in/challenge": BROWSER,
    "/sign-in/passkey": BROWSER,
    "/sign-in/identity": BROWSER,
    "/sign-out": BROWSER,
    "/prove": BROWSER,
    "/prove/identity": BROWSER,
    "/invitation/{token}": BROWSER,
    "/invitation/{token}/identity": BROWSER,
    "/language": BROWSER,
    "/alerts/new": ("/alerts",),
    f"{ALERT}/edit": (f"PUT {ALERT}", f"{ALERT}/submit"),
    f"{ALERT}/preview": ("/preview", f"GET {ALERT}/preview"),
    f"{ALERT}/rehearsal": (f"{ALERT}/rehearse",),
    f"{ALERT}/pages": (f"{ALERT}/page",),
    f"{ALERT}/approval": (f"{ALERT}/approve", f"{ALERT}/return", f"{ALERT}/reject"),
    f"{ALERT}/stop": (f"{ALERT}/stop",),
    f"{ALERT}/send": (f"{ALERT}/send",),
    f"{ALERT}/retraction": (f"{ALERT}/cancel", f"{ALERT}/submit", f"{ALERT}/approve"),
    "/incidents/{incident_id}/next": tuple(f"{ALERT}/{act}" for act in ("update", "correct", "clear", "cancel")),
    f"{ALERT}/surge": ("/surge/activations", f"{SURGE}/arm"),
    "/surge/choose": ("/surge/activations",),
    "/surge/tested": ("/surge/tests",),
    **{f"/surge/{step}": (f"{SURGE}/{step}",) for step in STEPS},
    "/surge/facts": (f"{SURGE}/facts",),
    "/surge/facts/{fact_id}/recall": (f"{SURGE}/facts/{{fact_id}}/recall",),
    "/surge/script": (f"{SURGE}/script",),
    "/surge/intervals": ("/surge/intervals",),
    "/residents": ("/residents/look-up",),
    "/received/{received_id}/draft": ("/received/{received_id}/draft",),
    "/passkeys": ("/passkeys",),
    "/passkeys/challenge": ("/passkeys/challenge", "/passkeys/proof"),
    "/passkeys/{passkey_id}/remove": ("/passkeys/{passkey_id}/remove",),
    "/passkeys/{passkey_id}/rename": ("/passkeys/{passkey_id}/rename",),
    "/people/{person_id}/passkeys/{passkey_id}/remove": ("/staff/{person_id}/passkeys/{passkey_id}/remove",),
    "/people": ("/staff",),
    "/people/{person_id}/{act}": tuple(f"/staff/{{person_id}}/{act}" for act in ("invitation", "token", "sign-out", "disable")),
    "/people/{person_id}/identity": ("/staff/{person_id}/identity",),
    "/people/{person_id}/identity/remove": ("/staff/{person_id}/identity/remove",),
    "/grants/{grant_id}": ("/grants/{grant_id}/give", "/grants/{grant_id}/refuse"),
    "/webhooks": ("/webhooks",),
    "/webhooks/{webhook_id}/{press}": tuple(
        f"/webhooks/{{webhook_id}}/{act}" for act in ("agree", "refuse", "confirm", "test", "resume", "end", "replay")
    ),
    "/held": ("/release",),
    "/held/agree": ("/release/agree",),
    "/held/refuse": ("/release/refuse",),
    "/areas": ("/areas/preview", "/areas"),
    "/contacts/{deed}": tuple(f"/contacts/{deed}" for deed in ("give", "confirm", "remove", "call")),
    "/on-call/{person_id}/{deed}": tuple(f"/on-call/{{person_id}}/{deed}" for deed in ("give", "remove", "call", "turn")),
    "/translations": ("/translations/{language}/review", "/translations/{language}/ask-for-change"),
    "/drills": ("/drills",),
    "/drills/{drill_id}/end": ("/drills/{drill_id}/end",),
    "/surge/recordings/call": ("/surge/recordings/calls",),
    "/surge/recordings/{take_id}/release": ("/surge/recordings/{take_id}/release",),
    "/surge/recordings/{take_id}/refuse": ("/surge/recordings/{take_id}/refuse",),
    **{f"/desk311/{what}": (f"/surge/desk/{what}",) for what in ("start", "state", "next", "read", "tally")},
    "/desk311/verdict": ("/surge/desk/place/look-up",),
    "/desk311/question": ("/surge/desk/questions",),
    "/desk311/text": ("/surge/desk/texts",),
    "/desk311/walk-in": ("/surge/desk/walk-ins",),
    "/desk311/finish": (f"{HELD}/finish",),
    "/desk311/centre": (f"{HELD}/emergency-centre",),
    "/desk311/answer": (f"{HELD}/answer",),
    "/questions": ("/surge/answers",),
    "/questions/{question_id}/{settled}": tuple(f"/surge/questions/{{question_id}}/{act}" for act in ("drop", "merge")),
    "/answers/{faq_id}/withdraw": ("/surge/answers/{faq_id}/withdraw",),
    "/needs": ("/surge/needs",),
    "/needs/{need_id}": ("/surge/needs/{need_id}",),
    "/agents311": ("/surge/agents",),
    "/agents311/{person_id}/end": ("/surge/agents/{person_id}/end",),
}


@pytest.mark.asyncio(loop_scope="module")
async def test_every_page_that_changes_something_names_its_twin_or_why_there_is_none(house: House) -> None:
    service, ring = house.served.running.service, keys.load(house.served.home / "keys.toml")
    posts = {BRACES.sub(r"{\1}", one.path) for one in Console(service, ring, house.served.url).routes if one.method != "GET"}
    assert posts - TWINS.keys() == set(), "these name no twin"
    assert TWINS.keys() - posts == set(), "there are no such pages"
    answered = {f"{one.method} {path_of(one).removeprefix(API)}" for one in Api(service, ring, house.served.url).endpoints()}
    named = {twin for twins in TWINS.values() if not isinstance(twins, str) for twin in twins}
    wanted = {twin if " " in twin else f"POST {twin}" for twin in named}
    assert wanted - answered == set(), "the API does not answer these"

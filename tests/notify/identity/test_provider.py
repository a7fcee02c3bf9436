"""The provider asked over real sockets, through the egress guard: what it says is used, and every lie comes to nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from notify.alerts.alert import Mode
from notify.identity.claims import Asked, Identity, Lack, NotAdmitted, Terms
from notify.identity.provider import KEPT_FOR_S, KEYS_AGAIN_S, Provider, Secrets, Silent, Untrusted
from notify.partners.address import rules
from notify.partners.egress import MOST_BODY, Egress
from tests.notify.identity.provider_server import CLIENT, SECRET, IdentityServer, ec_key, identity_server, jwk, rsa_key, utc

DISCOVERY = "/.well-known/openid-configuration"
HOURS = timedelta(hours=1)


@dataclass(slots=True)
class Passed:
    """Seconds that go by when told."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class Between:
    """A provider and we who ask it."""

    server: IdentityServer
    ours: Provider
    passed: Passed
    mine: Secrets = field(default_factory=lambda: Secrets(cookie="a cookie of one browser"))

    async def code(self, *, anew: bool = False, mine: Secrets | None = None) -> str:
        """As a browser would bring it back."""
        way = await self.ours.way_there(mine or self.mine, anew=anew)
        async with aiohttp.ClientSession() as session, session.get(way, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            back = URL(answer.headers["Location"])
        assert back.with_query(None) == URL(self.ours.back)
        assert back.query["state"] == (mine or self.mine).state
        return back.query["code"]

    async def signed_in(self, **asked: Any) -> Identity:
        token = await self.ours.redeem(await self.code(), self.mine)
        return await self.ours.who(token, Asked(nonce=self.mine.nonce, **asked), utc())


def ours_for(server: IdentityServer, passed: Passed, **terms: Any) -> Provider:
    way_out = Egress(rules(Mode.DEMO, "", ""))
    way_out.open()
    base = "http://127.0.0.1:9"
    server.redirects.add(f"{base}/sign-in/identity/return")
    return Provider(
        terms=Terms(issuer=server.url, client_id=CLIENT, **terms),
        name="City account",
        secret=SECRET,
        scope="openid",
        base=base,
        egress=way_out,
        patience_s=120,
        passed=passed,
    )


@pytest_asyncio.fixture
async def between() -> AsyncIterator[Between]:
    async with identity_server() as server:
        passed = Passed()
        ours = ours_for(server, passed)
        try:
            yield Between(server, ours, passed)
        finally:
            await ours.close()


async def test_a_code_is_exchanged_for_who_it_is(between: Between) -> None:
    who = await between.signed_in()
    assert (who.issuer, who.subject) == (between.server.url, "s-100")
    (asked,) = between.server.asked
    assert asked["scope"] == "openid" and asked["nonce"] == between.mine.nonce and "prompt" not in asked
    assert between.ours.trouble == ""


async def test_signing_in_anew_is_asked_for_and_shown(between: Between) -> None:
    between.server.shown_at = utc() - HOURS
    code = await between.code(anew=True)
    token = await between.ours.redeem(code, between.mine)
    who = await between.ours.who(token, Asked(nonce=between.mine.nonce, anew_since=utc()), utc())
    assert who.shown_at is not None and utc() - who.shown_at < HOURS
    assert between.server.asked[-1]["prompt"] == "login" and between.server.asked[-1]["max_age"] == "0"


async def test_a_provider_that_remembers_and_asks_nobody_anew_shows_nothing(between: Between) -> None:
    between.server.claims["auth_time"] = int((utc() - HOURS).timestamp())
    with pytest.raises(Untrusted, match="anew"):
        await between.signed_in(anew_since=utc())
    between.server.claims["auth_time"] = None
    with pytest.raises(Untrusted, match="anew"):
        await between.signed_in(anew_since=utc())


async def test_keys_of_the_other_kind_sign_as_well(between: Between) -> None:
    between.server.keys, between.server.signs = {"e1": ec_key("first")}, "e1"
    assert (await between.signed_in()).subject == "s-100"


@pytest.mark.parametrize("way", ["basic", "post", "none"])
async def test_the_secret_is_shown_as_the_provider_takes_it(between: Between, way: str) -> None:
    if way == "post":
        between.server.discovery["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    if way == "none":
        between.server.secret = between.ours.secret = ""
    assert (await between.signed_in()).subject == "s-100"
    between.server.secret = "another"
    with pytest.raises(Untrusted, match="invalid_client"):
        await between.signed_in()


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"iss": "http://127.0.0.1:1"},
        {"exp": 1},
        {"exp": None},
        {"iat": 1},
        {"nbf": 32_000_000_000},
        {"sub": None},
    ],
)
async def test_a_token_that_lies_opens_nothing(between: Between, lie: dict[str, Any]) -> None:
    between.server.claims |= lie
    with pytest.raises(Untrusted, match=next(iter(lie)) if lie != {"aud": [CLIENT, "another"]} else "azp"):
        await between.signed_in()


@pytest.mark.parametrize("algorithm", ["none", "HS256", "PS256"])
async def test_an_algorithm_that_is_not_ours_opens_nothing(between: Between, algorithm: str) -> None:
    between.server.header["alg"] = algorithm
    with pytest.raises(Untrusted, match="signed with"):
        await between.signed_in()


async def test_a_foreign_key_under_a_known_name_opens_nothing(between: Between) -> None:
    between.server.shown_keys = [jwk(rsa_key("second"), "k1")]
    with pytest.raises(Untrusted, match="InvalidSignature"):
        await between.signed_in()


async def test_a_code_is_good_once_and_for_the_browser_that_asked(between: Between) -> None:
    code = await between.code()
    with pytest.raises(Untrusted, match="invalid_grant"):
        await between.ours.redeem(code, Secrets(cookie="another browser"))
    code = await between.code()
    await between.ours.redeem(code, between.mine)
    with pytest.raises(Untrusted, match="invalid_grant"):
        await between.ours.redeem(code, between.mine)


async def test_another_browser_s_token_has_another_nonce(between: Between) -> None:
    other = Secrets(cookie="another browser")
    token = await between.ours.redeem(await between.code(mine=other), other)
    with pytest.raises(Untrusted, match="nonce"):
        await between.ours.who(token, Asked(nonce=between.mine.nonce), utc())


async def test_a_new_key_is_fetched_once_a_minute_at_most(between: Between) -> None:
    await between.signed_in()
    between.server.keys["k2"], between.server.signs = rsa_key("second"), "k2"
    with pytest.raises(Untrusted, match="a moment ago"):
        await between.signed_in()
    between.passed.now += KEYS_AGAIN_S
    assert (await between.signed_in()).subject == "s-100"
    before = between.server.seen.count("/keys")
    between.server.header["kid"] = "invented"
    for _ in range(5):
        with pytest.raises(Untrusted):
            await between.signed_in()
    assert between.server.seen.count("/keys") == before


async def test_a_key_that_was_taken_back_counts_for_an_hour_at_most(between: Between) -> None:
    await between.signed_in()
    between.server.shown_keys = [jwk(rsa_key("second"), "k2")]
    between.passed.now += KEPT_FOR_S + 1
    with pytest.raises(Untrusted):
        await between.signed_in()


async def test_what_it_says_of_itself_is_read_once_an_hour(between: Between) -> None:
    for _ in range(3):
        await between.signed_in()
    assert between.server.seen.count(DISCOVERY) == between.server.seen.count("/keys") == 1
    between.passed.now += KEPT_FOR_S + 1
    await between.signed_in()
    assert between.server.seen.count(DISCOVERY) == between.server.seen.count("/keys") == 2


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"issuer": "https://login.example.gov"}, "letter for letter"),
        ({"issuer": None}, "letter for letter"),
        ({"authorization_endpoint": None}, "authorization_endpoint: It is not there."),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"),
        ({"token_endpoint": "http://10.0.0.1/token"}, "inner address"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
        ({"jwks_uri": 7}, "jwks_uri"),
        ({"id_token_signing_alg_values_supported": ["HS256"]}, "RS256"),
        ({"response_types_supported": ["id_token"]}, "code flow"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
    ],
)
async def test_a_provider_that_cannot_be_used_says_why(between: Between, said: dict[str, Any], told: str) -> None:
    between.server.discovery |= said
    with pytest.raises(Silent, match=told):
        await between.ours.way_there(between.mine, anew=False)
    assert told in between.ours.trouble


@pytest.mark.parametrize("path", [DISCOVERY, "/keys", "/token"])
@pytest.mark.parametrize("how", ["500", "1 MB", "no JSON", "list"])
async def test_whatever_else_it_answers_nobody_is_in_and_the_reason_is_kept(between: Between, path: str, how: str) -> None:
    bodies = {"500": b"{}", "1 MB": b'{"a": "' + b"x" * 1_000_000, "no JSON": b"<html>", "list": b"[]"}
    between.server.bodies[path] = bodies[how]
    between.server.statuses[path] = 500 if how == "500" else 200
    with pytest.raises((Silent, Untrusted)) as error:
        await between.signed_in()
    if how == "1 MB":
        assert len(bodies[how]) > MOST_BODY and "longer than we read" in str(error.value)
    del between.server.bodies[path], between.server.statuses[path]
    between.passed.now += KEPT_FOR_S + 1
    assert (await between.signed_in()).subject == "s-100" and between.ours.trouble == ""


@pytest.mark.parametrize("path", [DISCOVERY, "/keys", "/token"])
async def test_one_that_never_answers_is_waited_for_no_longer_than_that(between: Between, path: str) -> None:
    between.ours.patience_s = 0.05
    between.server.hangs.add(path)
    if path != DISCOVERY:
        between.ours.patience_s = 120
        await between.ours.document()
        code = await between.code()
        between.ours.patience_s = 0.05
    with pytest.raises(Silent, match="no answer within"):
        if path == DISCOVERY:
            await between.ours.document()
        elif path == "/keys":
            await between.ours.read_keys()
        else:
            await between.ours.redeem(code, between.mine)


async def test_one_that_is_down_is_said_to_be_and_is_back_when_it_is_back() -> None:
    passed = Passed()
    async with identity_server() as server:
        ours, port = ours_for(server, passed), URL(server.url).port
    with pytest.raises(Silent, match="no connection"):
        await ours.document()
    assert "no connection" in ours.trouble
    async with identity_server(port=port or 0) as server:
        await ours.document()
    assert ours.trouble == ""
    await ours.close()


async def test_the_door_has_it_looked_at_now_and_then_and_never_waits(between: Between) -> None:
    between.server.statuses[DISCOVERY] = 503
    for _ in range(3):
        between.ours.look()
    (task,) = between.ours._tasks
    await task
    assert between.server.seen == [DISCOVERY] and "503" in between.ours.trouble
    between.server.statuses.clear()
    between.passed.now += 31
    between.ours.look()
    (task,) = between.ours._tasks
    await task
    assert between.ours.trouble == ""


async def test_an_answer_of_another_provider_is_told_apart(between: Between) -> None:
    await between.ours.document()
    assert between.ours.answered_by(between.server.url)
    assert not between.ours.answered_by("https://login.example.gov")
    assert not between.ours.answered_by(None), "it says that it always names itself"
    between.server.discovery["authorization_response_iss_parameter_supported"] = None
    between.passed.now += KEPT_FOR_S + 1
    await between.ours.document()
    assert between.ours.answered_by(None) and not between.ours.answered_by("https://login.example.gov")


async def test_whoever_lacks_the_group_does_not_come_in(between: Between) -> None:
    between.ours.terms = Terms(issuer=between.server.url, client_id=CLIENT, required=("groups", "tocsin"), acr=("mfa",))
    with pytest.raises(NotAdmitted) as error:
        await between.signed_in()
    assert error.value.lack is Lack.GROUP
    between.server.claims |= {"groups": ["tocsin"], "acr": "mfa"}
    assert (await between.signed_in()).subject == "s-100"
    assert between.server.asked[-1]["acr_values"] == "mfa"


async def test_the_way_out_is_named_only_when_the_provider_names_it(between: Between) -> None:
    assert between.ours.way_out("token") == "", "nobody waits at the door for a provider that was never asked"
    await between.ours.document()
    way = URL(between.ours.way_out("token"))
    assert way.path == "/logout" and way.query["id_token_hint"] == "token"
    assert way.query["post_logout_redirect_uri"].endswith("/sign-in") and way.query["client_id"] == CLIENT
    between.server.discovery["end_session_endpoint"] = None
    between.passed.now += KEPT_FOR_S + 1
    await between.ours.document()
    assert between.ours.way_out("token") == ""


async def test_what_binds_an_answer_to_its_browser_differs_in_everything() -> None:
    one, other = Secrets(cookie="one"), Secrets(cookie="other")
    made = [part for mine in (one, other) for part in (mine.state, mine.nonce, mine.verifier, mine.challenge)]
    assert len(set(made)) == 8 and all(len(part) == 43 for part in made)

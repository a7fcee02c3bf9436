"""What a provider says of itself (OpenID Connect Discovery 1.0): read, and everything wrong with it named. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from notify.identity.tokens import ALGORITHMS
from notify.partners.address import Rules, problems

WHERE: Final = "/.well-known/openid-configuration"
ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
BASIC, POST = "client_secret_basic", "client_secret_post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """leave: where signing out there is done; "" where it cannot be. names_itself: whether each answer says who it is from
    (RFC 9207). secret_in_body: how we show our secret; else by HTTP Basic."""

    authorize: str
    token: str
    keys: str
    leave: str
    names_itself: bool
    secret_in_body: bool


def address(issuer: str) -> str:
    return issuer.removesuffix("/") + WHERE


def faults(said: Any, issuer: str, rules: Rules) -> list[str]:
    """Why this cannot be used, as sentences."""
    if not isinstance(said, Mapping):
        return ["It is no object."]
    found = []
    if said.get("issuer") != issuer:
        found.append(f"It says that its issuer is {str(said.get('issuer'))[:200]!r}, not {issuer!r}, letter for letter.")
    for name in ENDPOINTS:
        given = said.get(name)
        wrong = problems(given, rules) if isinstance(given, str) else ["It is not there."]
        found += [f"{name}: {one}" for one in wrong]
    signed = said.get("id_token_signing_alg_values_supported", list(ALGORITHMS.values()))
    if not isinstance(signed, list) or not set(ALGORITHMS.values()).intersection(one for one in signed if isinstance(one, str)):
        found.append(f"It signs neither with {' nor with '.join(ALGORITHMS.values())}.")
    flows = said.get("response_types_supported", ["code"])
    if not isinstance(flows, list) or "code" not in flows:
        found.append("It does not offer the authorization code flow.")
    challenges = said.get("code_challenge_methods_supported")  # many support it and do not say so
    if isinstance(challenges, list) and "S256" not in challenges:
        found.append("It does not take a PKCE challenge (S256).")
    return found


def read(said: Mapping[str, Any], rules: Rules) -> Document:
    """Of a document without faults."""
    leave = said.get("end_session_endpoint")
    ways = said.get("token_endpoint_auth_methods_supported", [BASIC])
    return Document(
        authorize=said["authorization_endpoint"],
        token=said["token_endpoint"],
        keys=said["jwks_uri"],
        leave=leave if isinstance(leave, str) and not problems(leave, rules) else "",
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        secret_in_body=isinstance(ways, list) and BASIC not in ways and POST in ways,
    )

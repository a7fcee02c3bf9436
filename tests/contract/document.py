"""Twilio's OpenAPI document of its REST API, as the judge reads it: theirs, with the corrections and additions listed here.

The document itself is never kept here. Its address: https://github.com/twilio/twilio-oai, spec/json/twilio_api_v2010.json.
"""

import copy
from typing import Any, Final

ACCOUNT: Final = "/2010-04-01/Accounts/{Sid}.json"
MESSAGES: Final = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
MESSAGE: Final = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"
CALLS: Final = "/2010-04-01/Accounts/{AccountSid}/Calls.json"
CALL: Final = "/2010-04-01/Accounts/{AccountSid}/Calls/{Sid}.json"
NOTIFICATIONS: Final = "/2010-04-01/Accounts/{AccountSid}/Notifications.json"
USED: Final = (ACCOUNT, MESSAGES, MESSAGE, CALLS, CALL, NOTIFICATIONS)
LISTS: Final = (MESSAGES, CALLS, NOTIFICATIONS)
THINGS: Final = ("api.v2010.account.message", "api.v2010.account.call", "api.v2010.account.notification", "api.v2010.account")

# https://www.rfc-editor.org/rfc/rfc2822#section-3.3 in the one form that Twilio's answers have.
RFC_2822: Final = r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000$"

# https://www.twilio.com/docs/usage/twilios-response#response-formats-exceptions
ERROR: Final = {
    "type": "object",
    "properties": {
        "code": {"type": "integer", "minimum": 10_000},
        "message": {"type": "string", "minLength": 1},
        "more_info": {"type": "string", "format": "uri"},
        "status": {"type": "integer", "minimum": 400},
    },
    "required": ["code", "message", "more_info", "status"],
}
ERROR_ANSWER: Final = {"description": "An error", "content": {"application/json": {"schema": ERROR}}}


class Unusable(ValueError):
    """The file is not the document we know; the message says what is missing."""


def strict(document: dict[str, Any]) -> dict[str, Any]:
    """The part of the document that we use, made stricter, and right where it contradicts its own examples.

    1. The four page addresses of the lists are `uri-reference`: the document says `uri`, its examples show paths.
    2. Answers of 4xx and 5xx have Twilio's error body: the document knows success alone.
    3. An answer has every property of its schema and no other: the document requires none.
    4. A date reads as RFC 2822: the document names a format that no validator knows.
    5. A form's list is its name several times over: OpenAPI's default, which the judge wants to see written.

    Raises Unusable.
    """
    document = copy.deepcopy(document)
    try:
        document["paths"] = {path: document["paths"][path] for path in USED}
        form = document["paths"][CALLS]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
        form["encoding"] = {"StatusCallbackEvent": {"style": "form", "explode": True}}
        answers = [answer for path in USED for answer in _operations(document["paths"][path])]
        lists = [answers_of(document, path, "get")["200"]["content"]["application/json"]["schema"] for path in LISTS]
        things = [document["components"]["schemas"][name] for name in THINGS]
        for listed in lists:
            for name in ("first_page_uri", "next_page_uri", "previous_page_uri", "uri"):
                listed["properties"][name]["format"] = "uri-reference"
        for schema in (*lists, *things):
            schema["required"] = sorted(schema["properties"])
            schema["additionalProperties"] = False
            _date(schema["properties"])
    except KeyError as missing:
        raise Unusable(f"This is not Twilio's document of its API of 2010-04-01: it has no {missing}.") from missing
    for each in answers:
        each["4XX"] = each["5XX"] = ERROR_ANSWER
    return document


def answers_of(document: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    """The answers that one operation may give, by status."""
    answers: dict[str, Any] = document["paths"][path][method]["responses"]
    return answers


def _operations(path: dict[str, Any]) -> list[dict[str, Any]]:
    return [path[method]["responses"] for method in ("get", "post", "delete") if method in path]


def _date(properties: dict[str, Any]) -> None:
    for schema in properties.values():
        if schema.get("format") == "date-time-rfc-2822":
            schema["pattern"] = RFC_2822

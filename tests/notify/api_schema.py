"""An answer of the API held against the schema that its description names, where a test has the answer and schemathesis, which
begins with an empty city, would not get it."""

from typing import Any

from jsonschema_rs import Draft202012Validator

from notify.web.desk_schemas import DESK
from notify.web.drill_schemas import DRILLS
from notify.web.schemas import SCHEMAS
from notify.web.webhook_schemas import WEBHOOKS

KNOWN = {**SCHEMAS, **WEBHOOKS, **DESK, **DRILLS}


def faults(reply: Any, name: str) -> list[str]:
    """What is not as the schema of this name says; empty for an answer that fits."""
    whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": KNOWN}}
    return [error.message for error in Draft202012Validator(whole).iter_errors(reply)]

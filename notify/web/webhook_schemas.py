"""What the API answers about webhooks and subscriptions to feeds, as JSON Schema: components of its OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from notify.alerts.alert import Severity
from notify.partners.webhook import Kind, Reality, Shape, Standing, State
from notify.web.schemas import COUNT, MAYBE_MOMENT, MAYBE_TEXT, MOMENT, TEXT, YES_NO, named, several, whole

WEBHOOKS: Final[Mapping[str, Any]] = {
    "Webhooks": whole(webhooks=several(named("Webhook"))),
    "Webhook": whole(
        **dict.fromkeys(("webhook_id", "origin", "why", "asked_by"), TEXT),
        **dict.fromkeys(("answered_at", "confirmed_at", "failing_since", "try_at", "taken_at"), MAYBE_MOMENT),
        shape={"enum": sorted(Shape)},
        hazards=several(TEXT),
        least={"enum": sorted(Severity)},
        realities=several({"enum": sorted(Reality)}),
        state={"enum": sorted(State)},
        asked_at=MOMENT,
        answered_by=MAYBE_TEXT,
        sequence=COUNT,
        failures=COUNT,
    ),
    "WebhookSecret": whole(webhook_id=TEXT, secret=MAYBE_TEXT),
    "Planned": whole(webhook_id=TEXT, sequence=COUNT),
    "Replayed": whole(webhook_id=TEXT, count=COUNT),
    "Postings": whole(messages=several(named("Posting")), next=MAYBE_TEXT),
    "Posting": whole(
        **dict.fromkeys(("id", "incident", "alert"), TEXT),
        sequence=COUNT,
        type={"enum": sorted(Kind)},
        standing={"enum": sorted(Standing)},
        attempts=COUNT,
        planned_at=MOMENT,
        done_at=MAYBE_MOMENT,
    ),
    "Tries": whole(
        tries=several(whole(sequence=COUNT, at=MOMENT, took_ms=COUNT, status={"type": ["integer", "null"]}, said=TEXT))
    ),
    "Subscriptions": whole(
        subscriptions=several(
            whole(
                **dict.fromkeys(("host", "feed"), TEXT),
                **dict.fromkeys(("since", "lease_until"), MOMENT),
                **dict.fromkeys(("delivered_at", "failing_since"), MAYBE_MOMENT),
                signed=YES_NO,
                failures=COUNT,
            )
        )
    ),
}

"""What the API answers about the passkeys of staff and where they are paged, as JSON Schema (2020-12)."""

from collections.abc import Mapping
from typing import Any, Final

from notify.staff.staff_contacts import CHANNELS
from notify.web.schemas import ANYTHING, COUNT, MAYBE_MOMENT, MOMENT, TEXT, YES_NO, named, several, whole

PASSKEYS: Final[Mapping[str, Any]] = {
    "Passkey": whole(passkey_id=COUNT, name=TEXT, added_at=MOMENT, used_at=MAYBE_MOMENT),
    "Passkeys": whole(person_id=TEXT, passkeys=several(named("Passkey"))),
    # As Web Authentication Level 3 has them in JSON: PublicKeyCredentialCreationOptionsJSON, ...RequestOptionsJSON.
    "ToAdd": whole(make=ANYTHING),
    "ToProve": whole(use=ANYTHING),
}
CONTACTS: Final[Mapping[str, Any]] = {
    "Reached": whole(
        person_id=TEXT,
        contacts=several(whole(channel={"enum": list(CHANNELS)}, shown=TEXT, confirmed=YES_NO)),
        on_call=YES_NO,
        until=MAYBE_MOMENT,
        turn=COUNT,
    ),
    "Reachable": whole(staff=several(named("Reached"))),
}

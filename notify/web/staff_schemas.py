"""What the API answers about the passkeys of staff, as JSON Schema (2020-12)."""

from collections.abc import Mapping
from typing import Any, Final

from notify.web.schemas import ANYTHING, COUNT, MAYBE_MOMENT, MOMENT, TEXT, named, several, whole

PASSKEYS: Final[Mapping[str, Any]] = {
    "Passkey": whole(passkey_id=COUNT, name=TEXT, added_at=MOMENT, used_at=MAYBE_MOMENT),
    "Passkeys": whole(person_id=TEXT, passkeys=several(named("Passkey"))),
    # As Web Authentication Level 3 has them in JSON: PublicKeyCredentialCreationOptionsJSON, ...RequestOptionsJSON.
    "ToAdd": whole(make=ANYTHING),
    "ToProve": whole(use=ANYTHING),
}

"""Whether staff can sign in through the city's identity provider: it is asked as the service would ask it."""

from typing import Final

from notify import outward
from notify.identity.provider import Silent
from notify.readiness.findings import Finding, failed, passed
from notify.settings import Settings

PROVIDER: Final = "staff: identity provider"
DO: Final = "Compare TOCSIN_OIDC_ISSUER with the issuer in its discovery document; see docs/sign-in.md."


async def provider(settings: Settings) -> list[Finding]:
    """Nothing where there is none. That it takes our client and its secret shows only when somebody signs in."""
    asked = outward.identity(settings)
    if asked is None:
        return []
    try:
        document = await asked.document()
        found = await asked.read_keys()
    except Silent as error:
        return [failed(PROVIDER, f"{settings.oidc_issuer} cannot be used: {error}.", DO)]
    finally:
        await asked.close()
    out = "signing out there too" if document.leave else "no signing out there"
    says = (
        f"{settings.oidc_issuer} answers, with {len(found)} keys that we can use; {out}. It sends people back to {asked.back}."
    )
    return [passed(PROVIDER, says)]

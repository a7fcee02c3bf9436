"""Which settings do not go together, or not with the mode: every one named, as a sentence."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from notify.alerts.alert import Mode
from notify.mirror import wanted as mirror
from notify.partners.address import problems as address_problems
from notify.partners.address import setting_problems
from notify.received import sources
from notify.setting_values import SenderSetting, is_here, is_public_key

if TYPE_CHECKING:
    from notify.settings import Settings


def problems(settings: "Settings") -> list[str]:
    """What in these settings does not fit their mode, as sentences."""
    found = [*_account_problems(settings, ""), *_account_problems(settings, "2")]
    for name, host in (("SMTP_HOST", settings.smtp_host), ("SMTP2_HOST", settings.smtp2_host)):
        if settings.mode is not Mode.LIVE and host and not is_here(host):
            found.append(f"TOCSIN_{name} must be on this machine in mode {settings.mode}")
    if settings.smtp2_host and not settings.smtp_host:
        found.append("TOCSIN_SMTP2_HOST is the second relay: set TOCSIN_SMTP_HOST first")
    found += [*_lookup_problems(settings), *_replay_problems(settings), *mirror.problems(settings)]
    found += _key_problems(settings)
    unmeant = setting_problems(settings.egress_inside, settings.egress_ports)
    found += [*unmeant, *sources.problems(settings.cap_sources, None if unmeant else settings.egress)]
    found += [] if unmeant else _identity_problems(settings)
    for name in ("public_host", "private_host"):
        if settings.mode is Mode.DEMO and not is_here(getattr(settings, name)):
            found.append(f"TOCSIN_{name.upper()} must be on this machine in mode demo")
    if 0 < settings.drill_refuse_days < settings.drill_due_days:
        found.append("TOCSIN_DRILL_REFUSE_DAYS is less than TOCSIN_DRILL_DUE_DAYS: nobody would be told before being refused")
    return found


def _account_problems(settings: "Settings", which: str) -> list[str]:
    """What does not fit of an account for texts. which: "" or "2"."""
    account, url = getattr(settings, f"twilio{which}_account_sid"), getattr(settings, f"twilio{which}_url")
    numbers: tuple[SenderSetting, ...] = getattr(settings, f"sms{which}_senders")
    simulated, problems = is_here(urlsplit(url).hostname or ""), []
    if account and simulated and settings.mode is Mode.LIVE:
        problems.append(f"TOCSIN_TWILIO{which}_URL points at a simulator on this machine, which mode live refuses")
    if account and not simulated and settings.mode is not Mode.LIVE:
        problems.append(f"TOCSIN_TWILIO{which}_URL must be a simulator on this machine in mode {settings.mode}")
    if settings.mode is Mode.LIVE:
        problems += [
            f"TOCSIN_SMS{which}_SENDERS: {sender.number} lies in exchange 555, which mode live refuses"
            for sender in numbers
            if sender.number[-7:-4] == "555"
        ]
    if account and not numbers:
        problems.append(f"TOCSIN_SMS{which}_SENDERS is empty, so no text could leave")
    if which and account and account == settings.twilio_account_sid:
        problems.append("TOCSIN_TWILIO2_ACCOUNT_SID is the first account again: two numbers of one account are one route")
    if which and {one.number for one in numbers} & {one.number for one in settings.sms_senders}:
        problems.append("TOCSIN_SMS2_SENDERS names a number of TOCSIN_SMS_SENDERS: a number belongs to one account")
    return problems


def _key_problems(settings: "Settings") -> list[str]:
    """Public keys that cannot be ones, as sentences."""
    given = {"drill": settings.drill_key, "snapshot": settings.snapshot_key}
    return [
        f"TOCSIN_{name.upper()}_KEY is not what 'tocsin {name} key' shows: 44 letters of base64"
        for name, key in given.items()
        if key and not is_public_key(key)
    ]


def _identity_problems(settings: "Settings") -> list[str]:
    """Why nobody could sign in through the city's identity provider as these settings want, as sentences."""
    given = [name for name in ("client_id", "require", "acr", "amr") if getattr(settings, f"oidc_{name}")]
    given += ["client_secret"] if settings.oidc_client_secret.get_secret_value() else []
    if not settings.oidc_issuer:
        return [f"TOCSIN_OIDC_{name.upper()} is set, but TOCSIN_OIDC_ISSUER is empty" for name in given]
    found = [f"TOCSIN_OIDC_ISSUER: {one}" for one in address_problems(settings.oidc_issuer, settings.egress)]
    if "?" in settings.oidc_issuer:
        found.append("TOCSIN_OIDC_ISSUER: an issuer holds no question mark")
    if not settings.oidc_client_id:
        found.append("TOCSIN_OIDC_CLIENT_ID is empty: it is what the provider calls this console")
    if "openid" not in settings.oidc_scope.split():
        found.append("TOCSIN_OIDC_SCOPE must hold 'openid', or no ID token comes")
    if not settings.oidc_name.strip():
        found.append("TOCSIN_OIDC_NAME is empty: the button at the door needs a name")
    claim, _, value = settings.oidc_require.partition("=")
    if settings.oidc_require and not (claim and value):
        found.append("TOCSIN_OIDC_REQUIRE must be a claim, '=' and a value: groups=tocsin")
    if settings.mode is Mode.LIVE and not settings.private_url.startswith("https://"):
        found.append("TOCSIN_PRIVATE_URL must begin with https:// for TOCSIN_OIDC_ISSUER: codes come back to it")
    if settings.replay_from is not None:
        found.append("TOCSIN_OIDC_ISSUER does not go with TOCSIN_REPLAY_FROM: its tokens are of today")
    return found


def _replay_problems(settings: "Settings") -> list[str]:
    """Why the clock cannot be that of another day, as sentences."""
    began, hurried = settings.replay_from, settings.replay_speed != 1
    if (began is not None or hurried) and settings.mode is not Mode.DEMO:
        return [f"TOCSIN_REPLAY_FROM and TOCSIN_REPLAY_SPEED are for mode demo, not {settings.mode}"]
    if hurried and began is None:
        return ["TOCSIN_REPLAY_SPEED needs TOCSIN_REPLAY_FROM"]
    if began is not None and began.tzinfo is None:
        return ["TOCSIN_REPLAY_FROM needs an offset: 2014-05-23T10:40-07:00"]
    return []


def _lookup_problems(settings: "Settings") -> list[str]:
    """Why carriers cannot be asked as these settings want, as sentences."""
    if not settings.signup_asks_carrier:
        return []
    simulated = is_here(urlsplit(settings.lookups_url).hostname or "")
    if not settings.twilio_account_sid:
        return ["TOCSIN_SIGNUP_ASKS_CARRIER needs a Twilio account: TOCSIN_TWILIO_ACCOUNT_SID is empty"]
    if simulated and settings.mode is Mode.LIVE:
        return ["TOCSIN_LOOKUPS_URL points at a simulator on this machine, which mode live refuses"]
    if not simulated and settings.mode is not Mode.LIVE:
        return [f"TOCSIN_LOOKUPS_URL must be a simulator on this machine in mode {settings.mode}"]
    return []

"""311's telephone as settings and city pack give it: for staff who record, and for callers once somebody has heard its
voices."""

import logging

from channels.twilio_http import TwilioAccount, TwilioGateway
from channels.voice import TwilioVoice
from notify.alerts.alert import Mode
from notify.settings import Settings
from surge import pack as packs
from surge.pack import Pack, Shape
from surge.recorded.recorder import Phone

logger = logging.getLogger(__name__)


def for_callers(phone: Phone | None, pack: Pack, mode: Mode) -> Phone | None:
    """The same telephone, unless nobody may hear it yet: staff are called on it all the same, to record what would be heard."""
    why = packs.unheard(pack, mode)
    if phone is None or not why:
        return phone
    sentence = "callers of 311 are not answered, staff can record prompts: %s (docs/voice.md#how-it-is-reviewed)"
    logger.error(sentence, " ".join(why))
    return None


def of(settings: Settings, pack: Pack) -> TwilioVoice | None:
    """None for a city whose calls stay elsewhere, without an account, and where the pack does not fit the mode."""
    if pack.shape is Shape.DESK or not settings.twilio_account_sid:
        return None
    wrong = packs.problems(pack, settings.mode)
    if wrong:
        logger.error("311's telephone stays closed: %s (docs/surge.md#how-it-is-put-together)", " ".join(wrong))
        return None
    account = TwilioAccount(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        base_url=settings.twilio_url,
        public_url=settings.public_url,
    )
    speed = settings.replay_speed if settings.replay_from is not None else 1.0
    also = (pack.from_911,) if pack.from_911 else ()
    return TwilioVoice(TwilioGateway(account), pack.number, pack.dials_per_s * speed, also)

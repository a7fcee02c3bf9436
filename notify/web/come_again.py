"""What a provider is told whose text or report is not on disk: 503, and when to bring it again."""

import logging
from typing import Final

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from notify.full_disk import LOGGED, no_room

logger = logging.getLogger(__name__)

AFTER_S: Final = 10


def come_again(error: SQLAlchemyError, what: str) -> web.HTTPServiceUnavailable:
    """what: a text, a report; logged with why it could not be written."""
    if no_room(error):
        logger.warning(LOGGED, what)
    else:
        logger.error("%s could not be written; it is asked for again", what, exc_info=error)
    return web.HTTPServiceUnavailable(headers={"Retry-After": str(AFTER_S)})

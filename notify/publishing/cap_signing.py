"""Signs the CAP documents of a running service, with the newest key whose certificate is valid; and says which those are.

An alert never waits for a signature: what cannot be signed is published without one, over HTTPS as ever, and logged.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notify.publishing.cap_certificates import pem
from notify.publishing.cap_document import Unreadable
from notify.publishing.cap_signature import Signed, Signer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Signing:
    """signers: the newest first; none: nothing is signed."""

    signers: Sequence[Signer] = ()

    def __call__(self, document: bytes, now: datetime) -> bytes:
        """The document with its signature, where there is a key for it at this moment."""
        signer = self.current(now)
        if signer is None:
            if self.signers:
                logger.error("no certificate is valid now: a CAP document is not signed (docs/cap.md#keys)")
            return document
        try:
            return signer.sign(document)
        except Unreadable:
            logger.exception("a CAP document cannot be signed, and is published without (docs/cap.md#keys)")
            return document

    def current(self, now: datetime) -> Signer | None:
        return next((one for one in self.signers if Signed(certificate=one.certificate).valid_at(now)), None)

    @property
    def certificates(self) -> bytes:
        """Of all keys, for partners, in PEM; b"" where there is none."""
        return pem([one.certificate for one in self.signers])


UNSIGNED = Signing()

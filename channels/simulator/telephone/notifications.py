"""The provider's log of what went wrong on calls: webhooks without an answer, documents that cannot be followed.

https://www.twilio.com/docs/usage/troubleshooting/debugging-your-application, and the Notification resource of its API.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from channels.simulator.carrier import new_sid
from channels.simulator.listing import Listing, page_of
from channels.simulator.messages import API_VERSION, rfc2822
from channels.simulator.refusals import Refusal
from channels.simulator.telephone.twiml import SCHEMA_WARNING

ERROR, WARNING = "0", "1"
WARNINGS: Final = frozenset({SCHEMA_WARNING})  # what a call goes on after
LOG: Final = "Log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """date: seconds since 1970. url, method: of the request of ours it was about; "" for none. index: its rank."""

    sid: str
    call_sid: str
    date: float
    code: int
    text: str
    url: str = ""
    method: str = ""
    index: int = 0

    @property
    def log(self) -> str:
        return WARNING if self.code in WARNINGS else ERROR


class Notifications:
    """In the order in which they came; listed with the newest first, all or those of one level."""

    def __init__(self) -> None:
        self._all: list[Notification] = []
        self._by_sid: dict[str, Notification] = {}

    def add(self, call_sid: str, date: float, code: int, text: str, url: str = "", method: str = "") -> None:
        one = Notification(
            sid=new_sid("NO"),
            call_sid=call_sid,
            date=date,
            code=code,
            text=text,
            url=url,
            method=method,
            index=len(self._all),
        )
        self._all.append(one)
        self._by_sid[one.sid] = one

    def page(self, query: Mapping[str, str]) -> Listing[Notification] | Refusal:
        level = query.get(LOG, "")

        def matching(anchor: Notification | None, backward: bool) -> Iterator[Notification]:
            at = len(self._all) if anchor is None else anchor.index
            found = self._all[at + 1 :] if backward else reversed(self._all[:at])
            return (one for one in found if level in ("", one.log))

        return page_of(query, (LOG,), self._by_sid, matching)


def resource(one: Notification, account_sid: str) -> dict[str, object]:
    """The Notification resource as it stands in a list."""
    date = rfc2822(int(one.date))
    return {
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "call_sid": one.call_sid,
        "date_created": date,
        "date_updated": date,
        "error_code": str(one.code),
        "log": one.log,
        "message_date": date,
        "message_text": urlencode(
            {"Msg": one.text, "ErrorCode": one.code, "LogLevel": "WARN" if one.log == WARNING else "ERROR"}
        ),
        "more_info": f"https://www.twilio.com/docs/errors/{one.code}",
        "request_method": one.method or None,
        "request_url": one.url,
        "sid": one.sid,
        "uri": f"/{API_VERSION}/Accounts/{account_sid}/Notifications/{one.sid}.json",
    }

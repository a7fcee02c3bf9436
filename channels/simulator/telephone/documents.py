"""Gets documents from the application and follows them, verb by verb, with a way out when the application fails."""

from collections.abc import Callable
from urllib.parse import urljoin

from channels.simulator.telephone.legs import Answer, Ask, Ended, Leg, Redirected, Script, Source
from channels.simulator.telephone.twiml import PARSE_FAILURE, SCHEMA_WARNING, BadTwiml, Document, Verb, read

# Follows one verb of the document from `Source`. Returns where to go on; None for the next verb.
VerbScript = Callable[[Leg, Verb, Source], Script[Source | None]]
Verbs = dict[str, VerbScript]


class Useless(Exception):
    """The application gave nothing that can be followed; `code` is Twilio's error."""

    def __init__(self, code: int, source: Source) -> None:
        super().__init__(str(code))
        self.code, self.source = code, source


def conversation(leg: Leg, source: Source, verbs: Verbs) -> Script[None]:
    """A call's whole life after its answer, or, of one that comes in, after its first ring: from document to document, over to
    the fallback when one is of no use, and to wherever REST sends it. Ends the call."""
    following: Source | None = source
    while following is not None:
        try:
            following = yield from followed(leg, following, verbs)
        except Redirected as redirected:
            following = redirected.source
        except Useless as useless:
            following = fallback(leg, useless)
    leg.board.note("verb", leg.call, what="end of document")


def followed(leg: Leg, source: Source, verbs: Verbs) -> Script[Source | None]:
    """One document. Returns where it leads; None at its end. Raises Useless."""
    document, here = yield from fetched(leg, source, frozenset(verbs))
    if not _keeps_ringing(document):
        leg.board.take(leg)
    for verb in document.verbs:
        following = yield from verbs[verb.name](leg, verb, here)
        if following is not None:
            return following
    return None


def _keeps_ringing(document: Document) -> bool:
    """Whether a call that came in is not answered yet: any other document answers it,
    https://www.twilio.com/docs/voice/twiml/reject."""
    first = document.verbs[0] if document.verbs else None
    return first is not None and (first.name == "Reject" or (first.name == "Dial" and first.yes("answerOnBridge")))


def fetched(leg: Leg, source: Source, allowed: frozenset[str]) -> Script[tuple[Document, Source]]:
    """The document, and where it was found in the end, which relative addresses start from. Raises Useless."""
    answer = Answer(status=200, body=source.twiml.encode())
    if not source.twiml:
        word = yield Ask(source)
        assert isinstance(word, Answer)
        answer = word
    if answer.code:
        raise Useless(answer.code, source)
    try:
        document = read(answer.body, allowed)
    except BadTwiml as error:
        leg.board.fault(leg, PARSE_FAILURE, str(error), source)
        raise Useless(PARSE_FAILURE, source) from error
    for warning in document.warnings:
        leg.board.fault(leg, SCHEMA_WARNING, warning, source)
    here = Source(url=answer.url or source.url, twiml="", what=source.what)
    return document, here


def fallback(leg: Leg, useless: Useless) -> Source | None:
    """Where a call goes whose application failed: to its fallback URL, then to the document that needs no application. Raises
    Ended when there is neither, as Twilio says that an application error has occurred and hangs up."""
    call, failed = leg.call, useless.source
    if call.fallback_url and failed.what != "fallback":
        form = {"ErrorCode": str(useless.code), "ErrorUrl": failed.url}
        return Source(url=call.fallback_url, form=form, what="fallback")
    if call.fallback_document and failed.twiml != call.fallback_document:
        leg.board.note("verb", call, what="fallback document")
        return Source(twiml=call.fallback_document, what="fallback")
    raise Ended(f"application error {useless.code}")


def there(here: Source, address: str, method: str, what: str = "action", **form: str) -> Source:
    """An address in a document, which may be relative to where the document was found."""
    return Source(url=urljoin(here.url, address) if address else here.url, method=method, what=what, form=form)

"""Keeps phone numbers, web addresses and mailboxes in one piece, above all inside right-to-left text."""

import re

from markupsafe import Markup, escape

# After Arabic letters the bidirectional algorithm (UAX 9, rules W2 and W4) turns "503-823-4000" into "4000-823-503".
_LEFT_TO_RIGHT = re.compile(
    r"(?P<url>https?://\S+)|(?P<mailbox>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<number>(?:\+\d{1,3} |1-)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})"
)


def isolate(text: str) -> Markup:
    """The text as HTML, escaped; what must be read from left to right stands in a <bdi> of its kind."""
    html, end = Markup(""), 0
    for match in _LEFT_TO_RIGHT.finditer(text):
        isolated = Markup('<bdi dir="ltr" class="{}">{}</bdi>').format(match.lastgroup, match.group())
        html += escape(text[end : match.start()]) + isolated
        end = match.end()
    return html + escape(text[end:])

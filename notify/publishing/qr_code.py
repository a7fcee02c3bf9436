"""The code that a telephone's camera reads a page's address from, drawn into the page itself."""

from functools import lru_cache

import segno


@lru_cache(maxsize=256)  # 3 KB each: a page is made anew with each message of its incident, and its address stays
def qr_code(url: str) -> str:
    """An SVG of the address, with the four modules of white around it that readers need (ISO/IEC 18004)."""
    drawn: str = segno.make(url, error="m", micro=False).svg_inline(border=4, omitsize=True, svgclass=None, lineclass=None)
    return drawn

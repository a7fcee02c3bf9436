"""Tables as files that browsers keep. No cell of them runs as a formula."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from aiohttp import web

from subscribers.formulas import defused


def csv_file(table: Iterable[Sequence[object]], name: str, headers: Mapping[str, str]) -> web.Response:
    written = io.StringIO()
    csv.writer(written).writerows([defused(str(cell)) for cell in row] for row in table)
    sent = {**headers, "Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(text=written.getvalue(), content_type="text/csv", charset="utf-8", headers=sent)

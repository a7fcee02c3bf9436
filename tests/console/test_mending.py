"""A broken shape in the composer: refused, mended when asked, shown, and kept by nobody but the author."""

import json
import re
from html import unescape

import pytest

from notify.alerts import register
from tests.console.staff_factory import House
from tests.console.test_sixty_seconds import begun, form

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOW_TIE = {
    "type": "Polygon",
    "coordinates": [[[-122.62, 45.50], [-122.60, 45.52], [-122.60, 45.50], [-122.62, 45.52], [-122.62, 45.50]]],
}


async def test_a_crossed_outline_is_refused_then_mended_on_request_and_shown_before_anything_is_kept(house: House) -> None:
    author = await house.signed_in("author")
    alert_id, version = await begun(author)
    crossed = {"where": "drawn", "geojson": json.dumps(BOW_TIE), "words": "Two corners"}
    refused = await author.post(f"/alerts/{alert_id}/preview", form(version, "save", **crossed))
    assert "its boundary crosses itself" in refused.words
    before = await house.served.running.service.db.read(lambda conn: register.alert(conn, alert_id))

    shown = await author.post(f"/alerts/{alert_id}/edit", form(version, "mend", **crossed))
    assert shown.status == 200 and "An outline crossed itself; everything that it goes around is inside now." in shown.words
    assert re.search(r"It measures 1\.7\d square kilometres", shown.words)
    field = re.search(r'(?s)<textarea[^>]*name="geojson"[^>]*>(.*?)</textarea>', shown.text)
    assert field is not None and "its boundary crosses itself" not in shown.words
    sound = unescape(field[1])
    assert json.loads(sound)["type"] == "MultiPolygon"
    after = await house.served.running.service.db.read(lambda conn: register.alert(conn, alert_id))
    assert after.content == before.content, "looking keeps nothing"

    nothing = await author.post(f"/alerts/{alert_id}/edit", form(version, "mend", **crossed | {"geojson": sound}))
    assert "There is nothing to mend: the shape is sound." in nothing.words
    hopeless = await author.post(f"/alerts/{alert_id}/edit", form(version, "mend", **crossed | {"geojson": "[1]"}))
    assert hopeless.status == 422 and "not GeoJSON" in hopeless.words

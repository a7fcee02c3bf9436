"""What the API answers about named areas, as JSON Schema (2020-12)."""

from collections.abc import Mapping
from typing import Any, Final

from notify.web.schemas import MOMENT, NUMBER, SECONDS, TEXT, YES_NO, several, whole

AREAS: Final[Mapping[str, Any]] = {
    "Areas": whole(areas=several(whole(name=TEXT, kind=TEXT, citywide=YES_NO, source=TEXT, imported_at=MOMENT))),
    "AreaShapes": whole(
        type={"const": "FeatureCollection"},
        features=several(
            whole(
                type={"const": "Feature"},
                properties=whole(name=TEXT, kind=TEXT, citywide=YES_NO),
                geometry={"type": "object", "required": ["type", "coordinates"]},
            )
        ),
    ),
    "AreasChecked": whole(
        seen=TEXT,
        areas=several(whole(name=TEXT, kind=TEXT, citywide=YES_NO, km2=NUMBER, before_km2=SECONDS, shared=NUMBER)),
        problems=several(TEXT),
    ),
    "AreasTaken": whole(imported=several(TEXT), problems=several(TEXT)),
}

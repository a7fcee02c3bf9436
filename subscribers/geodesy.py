"""Distances on the ellipsoid of the earth, WGS 84."""

import math

WGS84_A_M = 6_378_137.0
WGS84_F = 1 / 298.257223563


def travelled(lat: float, lon: float, bearing: float, distance_m: float) -> tuple[float, float]:
    """(lon, lat) reached from a point by going straight ahead on WGS 84; bearing in degrees clockwise from north.

    Vincenty's direct formula (Survey Review 23, 1975), exact to a millimetre.
    """
    minor = WGS84_A_M * (1 - WGS84_F)
    ahead = math.radians(bearing)
    reduced = math.atan((1 - WGS84_F) * math.tan(math.radians(lat)))
    sigma_1 = math.atan2(math.tan(reduced), math.cos(ahead))
    sin_alpha = math.cos(reduced) * math.sin(ahead)
    cos2_alpha = 1 - sin_alpha**2
    u2 = cos2_alpha * (WGS84_A_M**2 - minor**2) / minor**2
    a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))
    b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))
    sigma, before = distance_m / (minor * a), math.inf
    while abs(sigma - before) > 1e-13:
        mid = math.cos(2 * sigma_1 + sigma)
        turn = math.cos(sigma) * (2 * mid**2 - 1) - b / 6 * mid * (4 * math.sin(sigma) ** 2 - 3) * (4 * mid**2 - 3)
        sigma, before = distance_m / (minor * a) + b * math.sin(sigma) * (mid + b / 4 * turn), sigma
    sin_r, cos_r, sin_s, cos_s = math.sin(reduced), math.cos(reduced), math.sin(sigma), math.cos(sigma)
    new_lat = math.atan2(
        sin_r * cos_s + cos_r * sin_s * math.cos(ahead),
        (1 - WGS84_F) * math.hypot(sin_alpha, sin_r * sin_s - cos_r * cos_s * math.cos(ahead)),
    )
    on_sphere = math.atan2(sin_s * math.sin(ahead), cos_r * cos_s - sin_r * sin_s * math.cos(ahead))
    c = WGS84_F / 16 * cos2_alpha * (4 + WGS84_F * (4 - 3 * cos2_alpha))
    mid = math.cos(2 * sigma_1 + sigma)
    drift = sigma + c * sin_s * (mid + c * cos_s * (2 * mid**2 - 1))
    return lon + math.degrees(on_sphere - (1 - c) * WGS84_F * sin_alpha * drift), math.degrees(new_lat)

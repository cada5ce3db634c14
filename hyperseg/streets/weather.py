"""Weather and time of day: the light and the sky of a scene."""

from __future__ import annotations

from math import sqrt

from hyperseg.streets.randomness import Stream
from hyperseg.streets.sky import Sky
from hyperseg.streets.view import RGB, Light

_KINDS = ("clear", "clear", "fair", "fair", "bright", "bright", "overcast", "overcast", "dusk", "rain", "haze")


def draw_weather(stream: Stream) -> tuple[Light, Sky]:
    """A light and the sky that goes with it."""
    kind = stream.choice(_KINDS)
    exposure = stream.uniform(0.88, 1.1)
    warm = stream.uniform(-0.04, 0.04)
    u = stream.uniform

    def tinted(level: float, red: float = 0.0) -> RGB:
        """A gain: exposure times level, warmer by ``red``."""
        tint = warm + red
        return exposure * level * (1.0 + tint), exposure * level, exposure * level * (1.0 - tint)

    dark, wet = False, 0.0
    clear, soft = 1.1, 0.3
    cloud: RGB = (238.0, 240.0, 244.0)
    if kind == "clear":
        gain, haze, reach, strength = tinted(1.0, 0.03), (188.0, 204.0, 224.0), u(260, 420), u(0.75, 1.0)
        blue = u(0.0, 1.0)
        high, low = (60 + 40 * blue, 116 + 34 * blue, 190 + 26 * blue), (184.0, 208.0, 232.0)
        clear = u(0.75, 1.1)
    elif kind == "fair":
        gain, haze, reach, strength = tinted(0.98, 0.02), (196.0, 206.0, 218.0), u(220, 360), u(0.5, 0.95)
        high, low = (u(84, 116), u(134, 160), u(192, 214)), (200.0, 214.0, 230.0)
        clear, soft = u(0.3, 0.6), u(0.12, 0.35)
    elif kind == "bright":
        gain, haze, reach, strength = tinted(u(0.62, 1.0)), (228.0, 232.0, 238.0), u(200, 340), u(0.2, 0.6)
        white = u(224, 250)
        high, low = (white - 14, white - 7, white), (white, white, white)
        clear, soft, cloud = u(0.2, 0.8), 0.5, (246.0, 247.0, 249.0)
    elif kind == "overcast":
        gain, haze, reach, strength = tinted(u(0.72, 0.9), -0.02), (196.0, 200.0, 206.0), u(150, 260), u(0.0, 0.15)
        grey = u(150, 196)
        high, low = (grey - 20, grey - 16, grey - 8), (grey + 22, grey + 24, grey + 26)
        clear, soft, cloud = u(0.0, 0.3), 0.7, (grey + 30, grey + 32, grey + 36)
    elif kind == "dusk":
        gain, haze, reach, strength = tinted(u(0.42, 0.58), 0.05), (146.0, 120.0, 116.0), u(140, 240), u(0.1, 0.4)
        glow = u(0.0, 1.0)
        high, low = (62.0, 72.0, 112.0), (170 + 60 * glow, 130 + 26 * glow, 118.0)
        clear, soft, cloud = u(0.35, 0.8), 0.4, (150 + 50 * glow, 112.0, 112.0)
        dark = True
    elif kind == "rain":
        gain, haze, reach, strength = tinted(u(0.55, 0.72), -0.03), (150.0, 157.0, 165.0), u(80, 140), 0.0
        high, low = (112.0, 118.0, 128.0), (160.0, 166.0, 174.0)
        clear, soft, cloud = u(0.0, 0.2), 0.6, (148.0, 154.0, 162.0)
        wet, dark = u(0.7, 1.0), stream.chance(0.5)
    else:
        gain, haze, reach, strength = tinted(u(0.75, 0.92)), (204.0, 207.0, 210.0), u(42, 90), u(0.0, 0.3)
        high, low = (186.0, 192.0, 200.0), (206.0, 209.0, 212.0)
        clear, soft, cloud = u(0.3, 0.8), 0.7, (212.0, 214.0, 217.0)
    # The sun stands ahead, behind or beside, 15 to 60 degrees high.
    x, y, z = u(-1.0, 1.0), u(0.3, 1.2), u(-1.0, 0.7)
    norm = 1.0 / sqrt(x * x + y * y + z * z)
    light = Light(kind, gain, haze, reach, (x * norm, y * norm, z * norm), strength, dark, wet)
    return light, Sky(high, low, cloud, clear, soft, (stream.integer(0, 512), stream.integer(0, 512)))

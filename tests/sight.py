"""How far apart two colours look, also to those who see no difference of red and green.

Colours are arrays (..., 3) of sRGB from 0 to 1, opaque.
"""

import numpy as np

SIGHTS = {
    "all": np.eye(3),
    "those without green cones": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "those without red cones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}
"""Linear RGB as somebody with deuteranopia or protanopia sees it: Machado, Oliveira and Fernandes,
"A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009, severity 1.0."""

_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
"""XYZ of linear sRGB, D65."""


def lab(rgb: np.ndarray, sight: str = "all") -> np.ndarray:
    """(..., 3): CIE L*a*b* of colours as they are seen."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ SIGHTS[sight].T, 0, 1) @ _XYZ.T / _XYZ.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / 3 / (6 / 29) ** 2 + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(...): CIEDE2000 of two L*a*b* colours, after Sharma, Wu and Dalal, 2005."""
    (l1, a1, b1), (l2, a2, b2) = np.moveaxis(one, -1, 0), np.moveaxis(other, -1, 0)
    c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1 + 0.5 * (1 - np.sqrt(c7 / (c7 + 25.0**7)))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for b, a in ((b1, a1), (b2, a2)))
    grey = c1 * c2 == 0
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    between = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    light, strong = (l1 + l2) / 2, (c1 + c2) / 2
    # The mean of two hues is the one on the shorter way between them.
    hue = np.where(grey, h1 + h2, (h1 + turn / 2) % 360)
    t = sum(
        part * np.cos(np.radians(times * hue + shift))
        for part, times, shift in ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    )
    s_l = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    s_c, s_h = 1 + 0.045 * strong, 1 + 0.015 * strong * (1 + t)
    c7 = strong**7
    r_t = (
        -2
        * np.sqrt(c7 / (c7 + 25.0**7))
        * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    )
    dl, dc, dh = (l2 - l1) / s_l, (c2 - c1) / s_c, between / s_h
    return np.sqrt(dl**2 + dc**2 + dh**2 + r_t * dc * dh)

"""Amounts as they are written."""

SCALES = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))

WHOLE = 10**5
"""Numbers below are written out."""

LONGEST = len("99.9 k")
"""Characters of a scaled amount."""


def grouped(number: int) -> str:
    """`4096`, `16,384`: written out, in groups from five digits on."""
    return f"{number:,}" if number >= 10_000 else f"{number}"


def plural(number: int, noun: str) -> str:
    """`1 lane`, `32 lanes`."""
    return f"{grouped(number)} {noun}" + "s" * (number != 1)


def often(number: int) -> str:
    """`once`, `twice`, `12 times`."""
    return {1: "once", 2: "twice"}.get(number, f"{grouped(number)} times")


def amount(number: int) -> str:
    """`864 ` or `4.19 M`: three digits and a scale from WHOLE on, ready for a unit."""
    digits, scale, prefix = _scale(number)
    return f"{_scaled(number, digits, scale)} {prefix}"


def of(now: int, total: int, unit: str = "") -> str:
    """`384 of 576 B`, `1.24 of 4.19 MB`, `8.19 kB of 4.19 MB`: the number so far with a scale of
    its own where the total's would leave nothing of it; as long whatever it is."""
    digits, scale, prefix = _scale(total)
    last = f"{_scaled(total, digits, scale)} {prefix}{unit}".rstrip()
    if scale == 1:
        return f"{_scaled(now, 0, 1):>{len(_scaled(total, 0, 1))}} of {last}"
    first = _scaled(now, digits, scale)
    if now < scale:
        digits, scale, prefix = _scale(now, 10**3)
        first = f"{_scaled(now, digits, scale)} {prefix}{unit}".rstrip()
    return f"{first:>{LONGEST + len(unit)}} of {last}"


def _scale(number: int, whole: int = WHOLE) -> tuple[int, int, str]:
    """Digits after the point, what to divide by, and its prefix: none below `whole`."""
    if number < whole:
        return 0, 1, ""
    number = int(float(f"{number:.2e}"))  # 999,999 is 1.00 M
    scale, prefix = next((s, p) for s, p in SCALES if number >= s)
    return max(0, 3 - len(str(number // scale))), scale, prefix


def _scaled(number: int, digits: int, scale: int) -> str:
    return grouped(number) if scale == 1 else f"{number / scale:.{digits}f}"

"""Elements of matrices as numbers and as bits: what float, half, bf16 and integers can hold."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.float64]
Bits: TypeAlias = npt.NDArray[np.unsignedinteger]

DTYPES: dict[str, np.dtype[np.generic]] = {
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(np.uint16),
    "s32": np.dtype(np.int32),
    "u32": np.dtype(np.uint32),
    "s8": np.dtype(np.int8),
    "u8": np.dtype(np.uint8),
}
"""By which an element is kept; bf16 as the upper half of a float's bits."""

UNIT = {"f32": 2.0**-24, "f64": 2.0**-53, "f16": 2.0**-11, "bf16": 2.0**-8}
"""Unit roundoff (Higham, Accuracy and Stability of Numerical Algorithms, section 2.1)."""


def size(element: str) -> int:
    return DTYPES[element].itemsize


def integral(element: str) -> bool:
    return element not in UNIT


def encoded(numbers: Numbers, element: str) -> npt.NDArray[np.generic]:
    """The numbers as they are kept, rounded to nearest even."""
    if element == "bf16":
        bits = numbers.astype(np.float32).view(np.uint32).astype(np.uint64)
        return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    return numbers.astype(DTYPES[element])


def decoded(data: npt.NDArray[np.generic], element: str) -> Numbers:
    """The numbers of what is kept, exact."""
    if element == "bf16":
        return (data.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return data.astype(np.float64)

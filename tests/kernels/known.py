"""All kernels of the family, and what is right about each: GOOD ones, and BROKEN ones."""

from tests.kernels.faults import BROKEN
from tests.kernels.other import OTHER
from tests.kernels.pipelined import PIPELINED
from tests.kernels.simple import SIMPLE
from tests.kernels.square import SQUARE
from tests.kernels.tensor import TENSOR
from tests.kernels.tiled import TILED

__all__ = ["BROKEN", "GOOD"]

GOOD = (*SIMPLE, *SQUARE, *TILED, *PIPELINED, *TENSOR, *OTHER)

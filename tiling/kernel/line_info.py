"""gemm.cu with line information: its PTX, and its machine code line by line."""

import re
from functools import lru_cache

from tiling.kernel import compiler
from tiling.kernel.build import device_defines, source
from tiling.shapes import Tiling


def ptx(tiling: Tiling, arch: str, kernel: str | None = None) -> str:
    """The PTX of the tiling's kernel as shipped, but for its line information. `arch` is as sm_80.
    Raises Missing without NVRTC, Broken if it is refused."""
    return _compiled(tiling, arch, kernel)[0]


def machine_code(tiling: Tiling, arch: str, kernel: str | None = None) -> str:
    """What `nvdisasm -gi -c` says of the machine code that ptxas makes of this PTX."""
    text = compiler.listing(_compiled(tiling, arch, kernel)[1], "-gi")
    return re.sub(r'(File|inlined at) "[^"]*/', r'\1 "', text)


@lru_cache(maxsize=8)
def _compiled(tiling: Tiling, arch: str, kernel: str | None) -> tuple[str, bytes]:
    """(PTX, binary) of one run of NVRTC, which may make other PTX of the same text the next time.
    Files are named without the folder that it ran in."""
    options = (f"--gpu-architecture={arch}", "--std=c++17", "-lineinfo", *device_defines(tiling))
    _, text, binary = compiler.compiled(kernel or source(), options, "PTX", "CUBIN")
    plain = text.decode().rstrip("\0")
    return re.sub(r'(\.file\s+\d+\s+)"[^"]*/', r'\1"', plain), binary

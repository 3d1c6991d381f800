"""gemm.cu with line information: its PTX, and its machine code line by line.

Files are named without the folder that they were compiled in.
"""

import re

from tiling import nvidia
from tiling.kernel import compiler
from tiling.shapes import Tiling


def ptx(tiling: Tiling, arch: str, kernel: str | None = None) -> str:
    """The PTX of the tiling's kernel as shipped, but for its line information. `arch` is as sm_80.
    Raises Missing without NVRTC, Broken if it is refused."""
    text = compiler.build(tiling, arch, kernel)[1]
    return re.sub(r'(\.file\s+\d+\s+)"[^"]*/', r'\1"', text)


def machine_code(tiling: Tiling, arch: str, kernel: str | None = None) -> str:
    """What `nvdisasm -gi -c` says of the machine code that ptxas makes of this PTX."""
    text = nvidia.listing(compiler.build(tiling, arch, kernel)[2])
    return re.sub(r'(File|inlined at) "[^"]*/', r'\1 "', text)

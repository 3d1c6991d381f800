"""gemm.cu with line information: its PTX, and its machine code line by line."""

import re
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

from tiling.kernel.build import Broken, device_defines, source
from tiling.kernel.compiler import _call, _loaded, _nvdisasm
from tiling.shapes import Tiling


def ptx(tiling: Tiling, arch: str, kernel: str | None = None) -> str:
    """The PTX of the tiling's kernel as shipped, but for its line information. `arch` is as sm_80.
    Raises Missing without NVRTC, Broken if it is refused."""
    return _compiled(tiling, arch, kernel)[0]


def machine_code(tiling: Tiling, arch: str, kernel: str | None = None) -> str:
    """What `nvdisasm -gi -c` says of the machine code that ptxas makes of this PTX."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "gemm.cubin")
        file.write_bytes(_compiled(tiling, arch, kernel)[1])
        done = subprocess.run(
            [_nvdisasm(), "-gi", "-c", "-ndf", str(file)], capture_output=True, text=True
        )
    if done.returncode:
        raise Broken(f"nvdisasm says {done.stderr.strip()}")
    return re.sub(r'(File|inlined at) "[^"]*/', r'\1 "', done.stdout)


@lru_cache(maxsize=8)
def _compiled(tiling: Tiling, arch: str, kernel: str | None) -> tuple[str, bytes]:
    """(PTX, binary) of one run of NVRTC, which may make other PTX of the same text the next time.
    Files are named without the folder that it ran in."""
    text = (kernel or source()).encode()
    (program,) = _call(_loaded(lambda nvrtc: nvrtc.nvrtcCreateProgram(text, b"gemm.cu", 0, [], [])))
    from cuda.bindings import nvrtc

    target = f"--gpu-architecture={arch}"
    options = [target, "--std=c++17", "-lineinfo", *device_defines(tiling)]
    (status,) = nvrtc.nvrtcCompileProgram(program, len(options), [o.encode() for o in options])
    if int(status):
        raise Broken(f"NVRTC refuses it: {status.name}")
    made = bytes(_call(nvrtc.nvrtcGetPTXSize(program))[0])
    _call(nvrtc.nvrtcGetPTX(program, made))
    binary = bytes(_call(nvrtc.nvrtcGetCUBINSize(program))[0])
    _call(nvrtc.nvrtcGetCUBIN(program, binary))
    _call(nvrtc.nvrtcDestroyProgram(program))
    return re.sub(r'(\.file\s+\d+\s+)"[^"]*/', r'\1"', made.decode().rstrip("\0")), binary

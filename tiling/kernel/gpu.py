"""gemm.cu on a GPU, through CuPy, which is imported when it is first needed."""

import subprocess
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from tiling.faults import Broken, Missing
from tiling.fma import Floats
from tiling.kernel.build import (
    ENTRY,
    START,
    device_defines,
    source,
    trace_stride,
)
from tiling.kernel.provenance import SENTINEL, Slots
from tiling.schedule import Schedule, grid, schedule
from tiling.shapes import SHARED_LIMIT, Gemm, Refused, Tiling


def gemm(a: Any, b: Any, tiling: Tiling) -> Any:
    """C (M, N) = A·B on the GPU that holds A (M, K) and B (K, N).

    a, b    C-contiguous float32: CuPy arrays of one device, or NumPy arrays, which are copied to
            the current device
    returns a CuPy array; the kernel may still be running, as is usual on a stream

    Raises Refused for arrays or tilings that do not fit, Missing without CuPy or a GPU, Broken if
    the kernel does not build.
    """
    a, b, problem = _operands(a, b)
    with a.device:
        kernel, shared = built(tiling, a.device.id)
        c = _cupy().empty((problem.m, problem.n), np.float32)
        _launch(kernel, schedule(problem, tiling), shared, (a, b, c))
    return c


def traced(a: Any, b: Any, tiling: Tiling) -> tuple[Floats, Slots]:
    """C and the records' slots (CTAs, threads, stride), from the build that records; as NumPy."""
    a, b, problem = _operands(a, b)
    plan = schedule(problem, tiling)
    stride = trace_stride(plan)
    with a.device:
        kernel, shared, start_recording = recording(tiling, a.device.id)
        c = _cupy().empty((problem.m, problem.n), np.float32)
        slots = _cupy().full((prod(plan.grid), tiling.threads, stride), SENTINEL, np.int64)
        sizes = _sizes(plan)
        start_recording((1,), (1,), (a, b, c, *sizes, slots, np.uint64(stride)), shared_mem=0)
        _launch(kernel, plan, shared, (a, b, c))
        return c.get(), slots.get()


def sgemm(a: Any, b: Any) -> Any:
    """C (M, N) = A·B by cuBLAS, in an order of its own; takes and raises what `gemm` does."""
    a, b, _ = _operands(a, b)
    with a.device:
        return cublas().gemm("N", "N", a, b)


def cublas() -> Any:
    """CuPy's module `cupy.cublas`, whose `gemm` of float32 is cuBLAS's SGEMM. Raises Missing.

    CuPy's `matmul` asks cuBLAS in another way, with leave to use tensor cores.
    """
    _cupy()
    try:
        from cupy import cublas
    except ImportError as error:
        raise Missing(f"CuPy finds no cuBLAS here: {str(error).splitlines()[0]}") from None
    return cublas


def device() -> dict[str, str]:
    """The current device, its driver and the toolkit, by name. Raises Missing."""
    cupy = _cupy()
    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    return {
        "device": properties["name"].decode(),
        "compute capability": f"{properties['major']}.{properties['minor']}",
        "driver": _driver(),
        "nvrtc": ".".join(map(str, cupy.cuda.nvrtc.getVersion())),
        "cupy": cupy.__version__,
    }


def _driver() -> str:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[0].strip()
    except (OSError, subprocess.CalledProcessError, IndexError):
        version = _cupy().cuda.runtime.driverGetVersion()
        return f"for CUDA {version // 1000}.{version % 1000 // 10}"


@lru_cache
def _cupy() -> Any:
    try:
        import cupy
    except ImportError:
        raise Missing("no CuPy here: pip install cupy-cuda13x") from None
    if not cupy.cuda.is_available():
        raise Missing("no CUDA device here")
    try:
        cupy.cuda.nvrtc.getVersion()
    except RuntimeError as error:
        raise Missing(f"CuPy finds no NVRTC here: {str(error).splitlines()[0]}") from None
    return cupy


def _operands(a: Any, b: Any) -> tuple[Any, Any, Gemm]:
    """A and B on one device, and the problem they make."""
    for name, array in ("A", a), ("B", b):
        _check(name, array)
    if a.shape[1] != b.shape[0]:
        rule = f"A {a.shape} has {a.shape[1]} columns, B {b.shape} has {b.shape[0]} rows"
        raise Refused("B", b.shape, rule, f"try B ({a.shape[1]}, {b.shape[1]})")
    problem = Gemm(a.shape[0], b.shape[1], a.shape[1])
    cupy = _cupy()
    devices = {array.device.id for array in (a, b) if isinstance(array, cupy.ndarray)}
    if len(devices) > 1:
        rule = f"A is on device {a.device.id}, B on device {b.device.id}"
        raise Refused("B", f"on device {b.device.id}", rule, "copy one to the other's device")
    with cupy.cuda.Device(*devices):
        return cupy.asarray(a), cupy.asarray(b), problem


def _check(name: str, array: Any) -> None:
    if not isinstance(array, np.ndarray) and not isinstance(array, _cupy().ndarray):
        kind = type(array).__name__
        raise Refused(name, kind, "is neither a CuPy nor a NumPy array", "try numpy.asarray")
    if array.ndim != 2:
        raise Refused(name, array.shape, "is not a matrix of rows and columns", "try 2 dimensions")
    if array.dtype != np.float32:
        raise Refused(name, array.dtype, "is not float32", f"try {name.lower()}.astype('float32')")
    if not array.flags.c_contiguous:
        remedy = f"try ascontiguousarray({name.lower()})"
        raise Refused(name, f"strides {array.strides}", "is not row-major without gaps", remedy)


def _launch(kernel: Any, plan: Schedule, shared: int, arrays: tuple[Any, ...]) -> None:
    ctas = prod(grid(plan.gemm, plan.tiling))
    args = (*arrays, *_sizes(plan))
    kernel((ctas,), (plan.tiling.threads,), args, shared_mem=shared)


def _sizes(plan: Schedule) -> tuple[np.uint32, ...]:
    return np.uint32(plan.gemm.m), np.uint32(plan.gemm.n), np.uint32(plan.gemm.k)


@lru_cache(maxsize=128)
def built(tiling: Tiling, number: int) -> tuple[Any, int]:
    """The tiling's kernel on one device, built once, and its bytes of shared memory at launch."""
    kernel, shared, _ = _built(tiling, number, trace=False)
    return kernel, shared


@lru_cache(maxsize=128)
def recording(tiling: Tiling, number: int) -> tuple[Any, int, Any]:
    """The same of the build that records, and what is launched before it to say where to."""
    kernel, shared, module = _built(tiling, number, trace=True)
    return kernel, shared, module.get_function(START)


def _built(tiling: Tiling, number: int, trace: bool) -> tuple[Any, int, Any]:
    """The kernel, its bytes of shared memory at launch, and the module that it is in."""
    cupy = _cupy()
    _check_device(tiling, cupy.cuda.Device(number))
    options = ("-std=c++17", *device_defines(tiling, trace))
    try:
        module = cupy.RawModule(code=source(), options=options)
        kernel = module.get_function(ENTRY)
        most = kernel.max_threads_per_block
    except cupy.cuda.compiler.CompileException as error:
        raise Broken(f"NVRTC refuses it: {str(error).splitlines()[0]}") from None
    if most < tiling.threads:
        raise Refused(
            "thread",
            f"{tiling.tm}x{tiling.tn}",
            f"with {kernel.num_regs} registers a thread this device holds {most} threads in a CTA, "
            f"not {tiling.threads}",
            "try a smaller thread tile",
        )
    if not (tiling.large_shared or trace):
        return kernel, 0, module
    if tiling.shared_bytes > SHARED_LIMIT:
        kernel.max_dynamic_shared_size_bytes = tiling.shared_bytes
    return kernel, tiling.shared_bytes, module


def _check_device(tiling: Tiling, device: Any) -> None:
    """Refuse what this device cannot hold, with its own limits."""
    opted = "Optin" if tiling.large_shared else ""
    limit = device.attributes["MaxSharedMemoryPerBlock" + opted]
    if tiling.shared_bytes > limit:
        raise Refused(
            "cta",
            f"{tiling.bm}x{tiling.bn}x{tiling.bk}",
            f"needs {tiling.shared_bytes} bytes of shared memory, "
            f"more than the {limit} that this device gives a CTA",
            f"try a BK below {tiling.bk}" if tiling.bk > 1 else "try a smaller CTA tile",
        )
    if tiling.threads > (most := device.attributes["MaxThreadsPerBlock"]):
        rule = f"makes {tiling.threads} threads, more than this device's {most}"
        raise Refused("thread", f"{tiling.tm}x{tiling.tn}", rule, "try a larger thread tile")

"""A stand-in for CuPy that runs the kernel on the CPU. It says nothing about a GPU."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tiling.kernel import gpu, host
from tiling.schedule import schedule
from tiling.shapes import Gemm, Tiling

LIMITS = {
    "MaxSharedMemoryPerBlock": 48 * 1024,
    "MaxSharedMemoryPerBlockOptin": 99 * 1024,
    "MaxThreadsPerBlock": 1024,
}


class Device:
    current = 0

    def __init__(self, number: int | None = None) -> None:
        self.id = Device.current if number is None else number
        self.attributes = LIMITS

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


class Array(np.ndarray):
    """A NumPy array that says it lies on a device."""

    number = 0

    @property
    def device(self) -> Device:
        return Device(self.number)

    def get(self) -> np.ndarray:
        return np.asarray(self)


class CompileException(Exception):
    pass


@dataclass
class Kernel:
    tiling: Tiling
    max_threads_per_block: int = 1024
    num_regs: int = 64
    max_dynamic_shared_size_bytes: int = 48 * 1024
    launches: list[dict[str, Any]] = field(default_factory=list)
    slots: Any = None

    def __call__(self, grid: Any, block: Any, args: Any, *, shared_mem: int) -> None:
        a, b, c, m, n, k = args
        assert shared_mem <= self.max_dynamic_shared_size_bytes
        plan = schedule(Gemm(int(m), int(n), int(k)), self.tiling)
        c[:], found = host.run(plan, a, b, "plain" if self.slots is None else "trace")
        if self.slots is not None:
            self.slots[:] = found
        self.launches.append({"grid": grid, "block": block, "shared_mem": shared_mem})


class Module:
    made: list[Kernel] = []  # noqa: RUF012
    fails = False
    most_threads = 1024

    def __init__(self, code: str, options: tuple[str, ...]) -> None:
        given = dict(o.removeprefix("-D").split("=") for o in options if "=" in o and "-D" in o)
        size = {name: int(value.split(",")[0]) for name, value in given.items()}
        assert size["LAUNCH_BOUNDS"] * size["TM"] * size["TN"] == size["BM"] * size["BN"]
        warp = (size["WM"], size["WN"])
        self.tiling = Tiling(
            *(size[name] for name in ("BM", "BN", "BK", "TM", "TN")),
            vector=size["B_VECTOR"],
            pad=size["PAD"],
            stages=size["STAGES"],
            fragments=size["FRAGMENTS"],
            swizzle=bool(size["TWIST"]),
            split=(size["QUAD_M"], size["QUAD_N"]) != (size["TM"], size["TN"]),
            direct=bool(size["DIRECT"]),
            shared_store=bool(size["SHARED_STORE"]),
            warp=warp if warp != (size["BM"], size["BN"]) else None,
            large_shared=bool(size["LARGE_SHARED"]),
        )

    def get_function(self, name: str) -> Any:
        if name == "start_recording":
            return self.start_recording
        assert name == "gemm"
        if Module.fails:
            raise CompileException("gemm.cu(1): error: something\nand more")
        Module.made.append(Kernel(self.tiling, Module.most_threads))
        return Module.made[-1]

    @staticmethod
    def start_recording(grid: Any, block: Any, args: Any, *, shared_mem: int) -> None:
        *_, slots, stride = args
        assert (grid, block, shared_mem) == ((1,), (1,), 0)
        assert int(stride) == slots.shape[-1]
        Module.made[-1].slots = slots


class Event:
    """As if every launch took a millisecond."""

    def record(self) -> None:
        pass

    def synchronize(self) -> None:
        pass


class Random:
    def __init__(self, seed: int) -> None:
        self.numpy = np.random.default_rng(seed)

    def standard_normal(self, shape: tuple[int, int], dtype: Any) -> Array:
        return self.numpy.standard_normal(shape, dtype).view(Array)


def blas(_: str, __: str, a: Any, b: Any, out: Any = None) -> Array:
    c = np.asfortranarray(a @ b).view(Array)
    if out is not None:
        out[:] = c
    return c


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    properties = {"name": b"a stand-in", "major": 0, "minor": 0, "multiProcessorCount": 1}
    cupy = SimpleNamespace(
        ndarray=Array,
        asarray=lambda array: array if isinstance(array, Array) else array.view(Array),
        empty=lambda shape, dtype: np.full(shape, np.nan, dtype).view(Array),
        full=lambda shape, value, dtype: np.full(shape, value, dtype).view(Array),
        random=SimpleNamespace(default_rng=Random),
        RawModule=Module,
        __version__="0",
        cuda=SimpleNamespace(
            Device=Device,
            Event=Event,
            get_elapsed_time=lambda start, end: 1.0,
            compiler=SimpleNamespace(CompileException=CompileException),
            nvrtc=SimpleNamespace(getVersion=lambda: (0, 0)),
            runtime=SimpleNamespace(
                getDeviceProperties=lambda number: properties,
                driverGetVersion=lambda: 13020,
                deviceGetPCIBusId=lambda number: "0000:0f:00.0",
            ),
        ),
    )
    monkeypatch.setattr(gpu, "_cupy", lambda: cupy)
    monkeypatch.setattr(gpu, "cublas", lambda: SimpleNamespace(gemm=blas))
    monkeypatch.setattr(Module, "made", [])
    for cache in gpu.built, gpu.recording:
        cache.cache_clear()
    yield cupy
    for cache in gpu.built, gpu.recording:
        cache.cache_clear()

"""NVIDIA's compilers and its disassembler, which need no GPU.

NVRTC compiles, ptxas reports registers and spills in its log, nvdisasm shows the machine code.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from tiling.faults import Broken, Missing, ending
from tiling.regular import reason

MISTAKES = re.compile(r".*\(\d+\): (?:error|catastrophic error: #error).*|ptxas (?:error|fatal).*")
"""How NVRTC and ptxas name what is wrong with a source."""


def architectures() -> tuple[str, ...]:
    """Those that this NVRTC compiles for, as "sm_90". Raises Missing."""
    known = _call(_loaded(lambda nvrtc: nvrtc.nvrtcGetSupportedArchs()))[-1]
    return tuple(f"sm_{number}" for number in known)


def tools() -> dict[str, str]:
    """The compiler's and the disassembler's versions. Raises Missing."""
    major, minor = _call(_loaded(lambda nvrtc: nvrtc.nvrtcVersion()))
    shown = _nvdisasm("--version")
    release = re.search(r"V(\d[\d.]*)", shown)
    return {"nvrtc": f"{major}.{minor}", "nvdisasm": release[1] if release else "unknown"}


def _loaded(use: Callable[[Any], tuple[Any, ...]]) -> tuple[Any, ...]:
    """A call of NVRTC, which may be what loads it. Raises Missing where there is none."""
    try:
        from cuda.bindings import nvrtc

        return use(nvrtc)
    except ImportError:
        raise Missing("no NVRTC here: pip install cuda-bindings nvidia-cuda-nvrtc") from None
    except RuntimeError as error:  # the bindings are there, the library is not
        raise Missing(f"no NVRTC here: {str(error).splitlines()[0]}") from None


def _call(result: tuple[Any, ...]) -> tuple[Any, ...]:
    status, *values = result
    if int(status):
        raise Missing(f"NVRTC does not work here: {status.name}")
    return tuple(values)


def cubin(kernel: str, options: tuple[str, ...]) -> tuple[str, bytes]:
    """(log, binary), the log with what ptxas says if asked for. Raises Missing or Broken."""
    log, binary = compiled(kernel, options, "CUBIN")
    return log.decode().rstrip("\0"), binary


def ptx(kernel: str, options: tuple[str, ...]) -> str:
    """The text that ptxas would get. Raises Missing or Broken."""
    return compiled(kernel, options, "PTX")[1].decode().rstrip("\0")


def compiled(
    kernel: str,
    options: tuple[str, ...],
    *what: str,
    name: str = "gemm.cu",
    headers: Mapping[str, str] | None = None,
    instance: str = "",
) -> tuple[bytes, ...]:
    """NVRTC's log, and what else of one run of it: "PTX", "CUBIN". Raises Missing or Broken.

    headers   texts of files that it may include, by name
    instance  of a template, which is made even where nothing asks for it: "gemm<128>"
    """
    texts = headers or {}
    given = [text.encode() for text in texts.values()], [file.encode() for file in texts]
    file, source = name.encode(), kernel.encode()
    (program,) = _call(
        _loaded(lambda nvrtc: nvrtc.nvrtcCreateProgram(source, file, len(texts), *given))
    )
    from cuda.bindings import nvrtc

    if instance:
        _call(nvrtc.nvrtcAddNameExpression(program, instance.encode()))
    (status,) = nvrtc.nvrtcCompileProgram(program, len(options), [o.encode() for o in options])
    found = []
    for name in ("ProgramLog", *(what if not int(status) else ())):
        made = bytes(_call(getattr(nvrtc, f"nvrtcGet{name}Size")(program))[0])
        _call(getattr(nvrtc, f"nvrtcGet{name}")(program, made))
        found.append(made)
    _call(nvrtc.nvrtcDestroyProgram(program))
    if int(status):
        text = found[0].decode().rstrip("\0")
        if errors := MISTAKES.findall(text):
            raise Broken(f"NVRTC refuses it: {'; '.join(errors[:2])}")
        raise Missing(f"NVRTC does not work here: {status.name} {text.strip()[:200]}".rstrip())
    return tuple(found)


def disassemble(binary: bytes) -> tuple[str, ...]:
    """The machine's instructions, in order, without addresses."""
    code = tuple(re.findall(r"/\*[0-9a-f]{4,}\*/\s+(.*?)\s*;", listing(binary)))
    if not code:
        raise Missing("nvdisasm does not work here: it shows no instructions")
    return code


@lru_cache(maxsize=16)
def listing(binary: bytes) -> str:
    """The machine code as nvdisasm prints it, with the lines that it came from where they are
    known. Raises Missing."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "gemm.cubin")
            file.write_bytes(binary)
            # No dataflow analysis: its labels are not read, and it takes a quarter of the time.
            return _nvdisasm("-c", "-ndf", "-gi", str(file))
    except OSError as error:
        raise Missing(f"nvdisasm has no room for a file: {reason(error)}") from None


def nvcc(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A run of nvcc, which needs the system's g++. Raises Missing where there is none, and Broken
    where it does not come to an end."""
    if shutil.which("g++") is None:
        raise Missing("no g++ here, which nvcc needs")
    return _run(path_of("nvidia-cuda-nvcc", "nvcc"), *arguments)


def ptxas(text: str, arch: str) -> tuple[str, bytes]:
    """(log, binary) of a PTX text, with the lines of the source. Raises Missing, and Broken with
    what ptxas says of the text."""
    program = path_of("nvidia-cuda-nvcc", "ptxas")
    try:
        with tempfile.TemporaryDirectory() as folder:
            file, made = Path(folder, "kernel.ptx"), Path(folder, "kernel.cubin")
            file.write_text(text, "utf-8")
            options = ("-v", f"-arch={arch}", "--generate-line-info", "-o", str(made))
            done = _run(program, *options, str(file))
            if done.returncode:
                errors = re.findall(r"ptxas (?:\S+, )?(.*)", done.stderr)
                said = (errors or [ending(done.returncode, done.stderr)])[0]
                raise Broken("ptxas says " + " ".join(said.split()))
            return done.stderr, made.read_bytes()
    except OSError as error:
        raise Missing(f"ptxas has no room for a file: {reason(error)}") from None


def _nvdisasm(*arguments: str) -> str:
    """What it prints. Raises Missing where it does not work: no kernel is to blame for that."""
    done = _run(path_of("nvidia-cuda-nvdisasm", "nvdisasm"), *arguments)
    if done.returncode:
        raise Missing(f"nvdisasm does not work here: {ending(done.returncode, done.stderr)}")
    return done.stdout


PATIENCE = 300
"""Seconds after which a tool counts as endless."""


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    name = Path(program).name
    try:
        return subprocess.run(
            [program, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise Missing(f"{name} does not run here: {reason(error)}") from None
    except subprocess.TimeoutExpired:
        raise Broken(f"{name} takes more than {PATIENCE} seconds") from None


@lru_cache
def path_of(package: str, program: str) -> str:
    """A program from PyPI's package, or the one that is installed. Raises Missing."""
    try:
        packaged = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        packaged = []
    for file in packaged:
        if file.name == program:
            return str(file.locate())
    if path := shutil.which(program):
        return path
    raise Missing(f"no {program} here: pip install {package}")

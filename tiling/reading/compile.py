"""Somebody's CUDA file through NVIDIA's compiler: its PTX, and the machine code of that PTX.

nvcc takes whole files, with `main` and host code; NVRTC, where nvcc is not to be had, kernels
alone. Nothing of the file is ever run on this machine.
"""

import os
import re
import tempfile
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.resources import as_file, files
from pathlib import Path

from tiling import nvidia
from tiling.faults import Broken, Missing
from tiling.ptx.syntax import Source
from tiling.reading import names
from tiling.regular import read_regular, reason
from tiling.shapes import Refused

MOST_BYTES = 2**20
"""Bytes of a file beyond which it is no source that a person wrote."""

INSTALL = "pip install 'tilelapse[kernel]'"

ARCH = re.compile(r"sm_(\d{2,3})[af]?")
_DEFINE = re.compile(r"[A-Za-z_]\w*(=[^\n]*)?")
_MARK = re.compile(r'# (\d+) "([^"\n]*)"([\d ]*)')
_NO_HEADER = re.compile(
    r"([^\s:]+):(\d+):\d+: fatal error: ([^:]+): No such file"
    r"|(\S+)\((\d+)\): .*?could not open source file \"([^\"]+)\""
)
_MISTAKE = re.compile(
    r"^(?!ptxas info)(?:.*?\(\d+\): error.*|[^\s:]+:\d+:\d+: (?:fatal )?error.*)", re.M
)


@dataclass(frozen=True)
class Asked:
    """How a file is to be compiled.

    arch       as "sm_80"
    includes   folders to look for headers in
    defines    macros, as "BM=128"
    instance   of a template that must be made, as "sgemm<128, 8>", or ""
    """

    arch: str = "sm_80"
    includes: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    instance: str = ""


@dataclass(frozen=True)
class Built:
    """What a file became.

    file      as it was named
    arch      as "sm_80"
    by        what compiled it, as "nvcc 13.5.37"
    ptx       with the lines of the source
    log       what ptxas says of registers, or ""
    binary    the machine code, or nothing where it cannot be had
    own       the file and what of its own it includes, macros put in; or the file as it is
    said      what a reader should know of this, in words
    """

    file: Path
    arch: str
    by: str
    ptx: str
    log: str
    binary: bytes
    own: str
    said: tuple[str, ...] = ()

    @cached_property
    def listing(self) -> str:
        """The machine code as nvdisasm prints it, or "" where it cannot be had."""
        return nvidia.listing(self.binary) if self.binary else ""

    @cached_property
    def _folders(self) -> dict[str, Path]:
        """Where the files lie that the PTX names, by name."""
        named = re.findall(r'^\s*\.file\s+\d+\s+"([^"]*)"', self.ptx, re.MULTILINE)
        return {Path(name).name: Path(name) for name in named} | {self.file.name: self.file}

    def text(self, source: Source) -> str:
        """The line of the source, or "" where its file is not here."""
        file = self._folders.get(source.name)
        lines = _lines(file) if file else ()
        return lines[source.line - 1].strip() if 0 < source.line <= len(lines) else ""


@lru_cache(maxsize=64)
def _lines(file: Path) -> tuple[str, ...]:
    try:
        return tuple(file.read_text("utf-8", "replace").splitlines())
    except OSError:
        return ()


def read(file: Path) -> str:
    """The text of a file. Raises Refused for what is no source."""

    def refused(rule: str, remedy: str = "try a .cu file") -> Refused:
        return Refused("--kernel", cut(str(file)), rule, remedy)

    try:
        if file.is_dir():
            raise refused("is a folder", "name a file in it")
        if file.exists() and not file.is_file():
            raise refused("is no file")
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise refused(f"has {size} bytes, more than {MOST_BYTES}", "give the kernel alone")
        data = read_regular(file, MOST_BYTES)
    except Refused:
        raise
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise refused(f"cannot be read: {why}") from None
    if b"\0" in data:
        raise refused("is binary, no source", "give the .cu or the PTX that it was made of")
    text = data.decode("utf-8-sig", "replace")
    if not text.strip():
        raise refused("is empty")
    return text


def is_ptx(text: str) -> bool:
    """Whether a text is PTX: its first statement names a version."""
    bare = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL).lstrip()
    return bare.startswith(".version")


AS_USUAL = Asked()


def build(file: Path, asked: Asked = AS_USUAL) -> Built:
    """What the file becomes. Raises Refused for what is wrong with it, in the compiler's words, and
    Missing where there is no compiler."""
    check(asked)
    text = read(file)
    try:
        return _built(file, text, asked)
    except Broken as broken:
        said = re.sub(r"'(_Z\w+)'", lambda found: names.called(found[1]), str(broken))
        raise Refused("--kernel", cut(str(file)), f"is refused: {said}", "mend it") from None


def check(asked: Asked) -> None:
    """Refuse options that no compiler should see."""
    known = ARCH.fullmatch(asked.arch)
    if not known:
        raise Refused("--arch", cut(asked.arch), "is no architecture", "try sm_80")
    if int(known[1]) < 75:
        raise Refused("--arch", asked.arch, "is older than this compiler knows", "try sm_75")
    for folder in asked.includes:
        if not Path(folder).is_dir():
            raise Refused("--include", cut(folder), "is no folder", "try --include include")
    for define in asked.defines:
        if not _DEFINE.fullmatch(define):
            raise Refused("--define", cut(define), "is no macro", "try --define BM=128")


def cut(text: str, most: int = 60) -> str:
    """A text as long as it can be shown."""
    return text if len(text) <= most else text[: most - 3] + "..."


@lru_cache(maxsize=64)
def _built(file: Path, text: str, asked: Asked) -> Built:
    if is_ptx(text):
        target = re.search(r"^\s*\.target\s+(sm_\w+)", text, re.MULTILINE)
        arch = target[1] if target and ARCH.fullmatch(target[1]) else asked.arch
        return _with_code(Built(file, arch, "PTX as given", text, "", b"", ""))
    if "__global__" not in re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL) and not (
        re.search(r"^\s*#\s*include\s*[\"<]", text, re.MULTILINE)
    ):
        raise Refused(
            "--kernel", cut(str(file)), "has no __global__ function", "try a file of CUDA C++"
        )
    try:
        return _by_nvcc(file, asked)
    except Missing as missing:
        try:
            return _by_nvrtc(file, text, asked)
        except (Missing, Broken) as error:
            raise Missing(f"{error}; {missing}: {INSTALL} takes whole files") from None


def _by_nvcc(file: Path, asked: Asked) -> Built:
    source = Path(file).absolute()
    with tempfile.TemporaryDirectory() as folder, as_file(files(__package__) / "headers") as ours:
        if asked.instance:
            source = Path(folder, "instance.cu")
            address = (
                f"__attribute__((used)) void *tilelapse_instance = (void *)({asked.instance});"
            )
            source.write_text(f'#include "{file.absolute()}"\n{address}\n', "utf-8")
        made = Path(folder, "kernel.ptx")
        options = [f"-arch={asked.arch}", "-lineinfo", "-w", "--keep", f"--keep-dir={folder}"]
        folders = [*map(Path, asked.includes), *_near(file)]
        options += [f"-I{folder.absolute()}" for folder in folders]
        options += [f"-D{one}" for one in asked.defines]
        # Real headers come first: ours are looked for behind all others.
        options += ["-Xcompiler", f"-idirafter,{ours}"]
        done = nvidia.nvcc("-ptx", *options, "-o", str(made), "-x", "cu", str(source))
        if done.returncode:
            raise _mistake(file, done.stderr + done.stdout, asked)
        ptx = made.read_text("utf-8", "replace")
        whole = Path(folder, f"{source.stem}.cpp1.ii").read_text("utf-8", "replace")
        own, stood_in = _own(whole, str(ours))
    said = tuple(f"{name}: a stand-in with a few declarations" for name in stood_in)
    return _with_code(Built(file, asked.arch, f"nvcc {_version()}", ptx, "", b"", own, said))


def _near(file: Path) -> list[Path]:
    """Folders in which a file's own headers often lie."""
    here = file.absolute().parent
    return [
        one
        for one in (here, here / "include", here.parent / "include", here.parent)
        if one.is_dir()
    ]


@lru_cache
def _version() -> str:
    found = re.search(r"V(\d[\d.]*)", nvidia.nvcc("--version").stdout)
    return found[1] if found else "of an unknown version"


def _mistake(file: Path, log: str, asked: Asked) -> Refused:
    """What the compiler says is wrong, in its words; a header that is missing by name."""
    shown = cut(str(file))
    if missing := _NO_HEADER.search(log):
        line, header = missing[2] or missing[5], missing[3] or missing[6]
        where = Path(missing[1] or missing[4]).name
        rule = f"line {line} of {where} includes {cut(header)}, which is not here"
        return Refused("--kernel", shown, rule, "try --include FOLDER, the folder that has it")
    errors = [line.strip() for line in _MISTAKE.findall(log)]
    if asked.instance and any("instance.cu" in line for line in errors):
        first = next(line for line in errors if "instance.cu" in line).partition("error: ")[2]
        remedy = "name a kernel of the file with all its template arguments"
        return Refused("--kernel", f"{shown}:{cut(asked.instance)}", cut(first, 120), remedy)
    first = errors[0] if errors else (log.strip().splitlines() or ["it says nothing"])[-1]
    first = first.replace(str(file.absolute().parent) + os.sep, "")
    more = f"; and {len(errors) - 1} more" if len(errors) > 1 else ""
    return Refused("--kernel", shown, f"nvcc says {cut(first, 160)}{more}", "mend it")


def _own(whole: str, ours: str) -> tuple[str, list[str]]:
    """Of a preprocessed text what is not of the system or of CUDA, and which of our stand-ins it
    includes."""
    cuda = str(Path(nvidia.path_of("nvidia-cuda-nvcc", "nvcc")).parent.parent)
    found: list[str] = []
    stood_in: list[str] = []
    keep = True
    for line in whole.splitlines():
        if mark := _MARK.match(line):
            path, flags = os.path.normpath(mark[2]), mark[3].split()
            keep = "3" not in flags and not path.startswith((cuda, ours, "<"))
            if path.startswith(ours) and path != ours:
                stood_in.append(os.path.relpath(path, ours))
        elif keep:
            found.append(line)
    return "\n".join(found), list(dict.fromkeys(stood_in))


def _with_code(built: Built) -> Built:
    """The same with the machine code of its PTX, where that can be had."""
    try:
        nvidia.path_of("nvidia-cuda-nvdisasm", "nvdisasm")
        log, binary = nvidia.ptxas(built.ptx, built.arch)
        return replace(built, log=log, binary=binary)
    except Missing as missing:
        return replace(built, said=(*built.said, f"the machine code is not known: {missing}"))


def _by_nvrtc(file: Path, text: str, asked: Asked) -> Built:
    """The same by NVRTC, for which the headers of host code are empty."""
    cuda = _cuda_headers()
    folders = [str(file.absolute().parent), *asked.includes, *map(str, cuda)]
    options = [f"--gpu-architecture={asked.arch}", "--std=c++17", "-lineinfo"]
    options += ["--ptxas-options=-v", *(f"-I{one}" for one in folders)]
    options += [f"-D{one}" for one in asked.defines]
    included = re.findall(r"^\s*#\s*include\s*<([^>\n]+)>", text, re.MULTILINE)
    empty = [name for name in included if not any((one / name).is_file() for one in cuda)]
    log, ptx, binary = nvidia.compiled(
        text,
        tuple(options),
        "PTX",
        "CUBIN",
        name=file.name,
        headers=dict.fromkeys([*empty, "cuda_runtime.h"], ""),
        instance=asked.instance,
    )
    by = f"NVRTC {nvidia.tools()['nvrtc']}"
    texts = ptx.decode().rstrip("\0"), log.decode().rstrip("\0")
    return Built(file, asked.arch, by, *texts, binary, text)


def _cuda_headers() -> list[Path]:
    """The folder of CUDA's headers, where the package of its runtime is installed."""
    try:
        return [Path(nvidia.path_of("nvidia-cuda-runtime", "cuda_fp16.h")).parent]
    except Missing:
        return []

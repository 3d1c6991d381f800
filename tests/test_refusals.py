"""Wrong input at the door: exit status 2, one line that says what would do, nothing written."""

import errno
import io
import os
import re
import socket
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import render

GOOD = 'gemm = "12x12x12"\ncta = "6x6x4"\nthread = "2x2"\n'

LONG = "x" * 100_000

FILES = {
    "broken.toml": 'gemm = "12x12x12\n',
    "bytes.toml": b"gemm = \xff\xfe\n",
    "unknown.toml": GOOD + "colour = 3\n",
    "header.toml": "[seed]\n" + GOOD,
    "missing.toml": 'gemm = "12x12x12"\ncta = "6x6x4"\n',
    "list.toml": GOOD.replace('"12x12x12"', "[12, 12, 12]"),
    "float.toml": GOOD + "pad = 1.5\n",
    "bool.toml": GOOD + "vector = true\n",
    "text.toml": GOOD + 'large-shared = "yes"\n',
    "number.toml": GOOD.replace('"2x2"', "2"),
    "table.toml": GOOD + "[warp]\nm = 3\n",
    "uneven.toml": GOOD.replace("2x2", "4x4"),
    "good.toml": GOOD,
    "night.toml": GOOD,
    "long.toml": f"{GOOD}pad = {'9' * 5000}\n",
    "hexadecimal.toml": f"{GOOD}pad = 0x{'f' * 5000}\n",
    "deep.toml": f"{GOOD}pad = {'[' * 3000}{']' * 3000}\n",
    "dotted.toml": ".".join("a" * 100_000) + " = 1\n",
    "large.toml": GOOD + "#" * 10_000,
    "escape.toml": GOOD.replace("6x6x4", "6x6x\\u001b[31m4"),
    "lines.toml": GOOD.replace("6x6x4", "6x6\\nx4"),
    "\udcff.toml": GOOD,
    "a-file": "not a folder",
}

# arguments -> what the line begins with, and parts of it. All run for `inspect` unless they begin
# with another command.
CASES = {
    # sizes
    "--gemm 0x12x12": ("--gemm 0x12x12: M=0 is not a positive whole number", "try 12x12x12"),
    "--gemm 12x-3x12": ("--gemm 12x-3x12: N=-3 is not a positive whole number", "try 12x12x12"),
    "--gemm tenx12x12": ("--gemm tenx12x12: 'ten' is not a whole number", "try 12x12x12"),
    "--gemm 12.5x12x12": ("--gemm 12.5x12x12: '12.5' is not a whole number",),
    "--gemm 1_2x12x12": ("--gemm 1_2x12x12: '1_2' is not a whole number",),
    "--gemm nanx12x12": ("--gemm nanx12x12: 'nan' is not a whole number",),
    "--gemm 12x12": ("--gemm 12x12: is not 3 numbers", "try 12x12x12"),
    "--gemm 12x12x12x12": ("--gemm 12x12x12x12: is not 3 numbers",),
    "--gemm 12,12,12": ("--gemm 12,12,12: is not 3 numbers",),
    "--gemm=": ("--gemm: is not 3 numbers", "try 12x12x12"),
    "--gemm 99999x99999x1": ("--gemm 99999x99999x1: C has 9999800001 elements", "2147483647"),
    "--gemm 1x1x2000000000": ("--gemm 1x1x2000000000: 500000000 k-tiles", "try 1x1x"),
    "--gemm 9999999999999999999999x1x1": ("--gemm 9999999999999999999999x1x1: ", "try"),
    "--cta 0x6x4": ("--cta 0x6x4: BM=0 is not a positive whole number",),
    "--cta 6x6x-1": ("--cta 6x6x-1: BK=-1 is not a positive whole number",),
    "--cta 6x6": ("--cta 6x6: is not 3 numbers", "try 6x6x4"),
    "--cta 6x6x4k": ("--cta 6x6x4k: '4k' is not a whole number", "try 6x6x4"),
    "--preset sgemm --cta 128x128xten": ("--cta 128x128xten: 'ten'", "try 128x128x8"),
    "--cta 6x6x2000": ("--cta 6x6x2000: needs 96000 bytes of shared memory", "49152"),
    "--preset sgemm --cta 128x128x64": ("--cta 128x128x64: needs 65536 bytes", "large-shared"),
    "--preset sgemm --cta 128x128x512 --large-shared": ("--cta 128x128x512: ", "232448 after"),
    "--cta 1000000007x6x4 --thread 1x1": ("--thread 1x1: ", "more than a CTA's 1024"),
    "--thread 0x2": ("--thread 0x2: TM=0 is not a positive whole number",),
    "--thread 2x0": ("--thread 2x0: TN=0 is not a positive whole number",),
    "--thread 2": ("--thread 2: is not 2 numbers", "try 2x2"),
    "--thread 4x3": ("--thread 4x3: TM=4 does not divide BM=6",),
    "--preset small --thread 4x3": ("--thread 4x3: TN=3 does not divide BN=16 (try 4x4 or 4x2)",),
    "--preset sgemm --thread 2x4": ("--thread 2x4: 128×128 makes 2048 threads", "1024"),
    "--preset sgemm --cta 256x256x8 --thread 3x3": ("--thread 3x3: TM=3 does not divide BM=256",),
    # fields that few set
    "--block 2,0": ("--block 2,0: the grid has 2×2 CTAs", "try 0,0 to 1,1"),
    "--block 0,-1": ("--block 0,-1: the grid has 2×2 CTAs",),
    "--block 1": ("--block 1: is not 2 numbers", "1,0"),
    "--block a,b": ("--block a,b: 'a' is not a whole number",),
    "--stages 300": ("--stages 300: needs 57600 bytes of shared memory", "try 256"),
    "--fragments 3": ("--fragments 3: registers hold 1 or 2", "try 2"),
    "--direct --stages 2": ("--direct: leaves no shared memory for stages", "leave direct out"),
    "--direct --shared-store": ("--direct: leaves no shared memory for shared-store", "leave"),
    "--split": ("--split: TM=2 is not made of quads of 4", "leave split out"),
    "--preset small --swizzle": ("--swizzle: BM=16 is not a multiple of the 32 banks", "leave"),
    "--stages 0": ("--stages 0: is not a positive whole number", "try 1"),
    "--stages two": ("--stages two: 'two' is not a whole number", "try 2"),
    "--vector 3": ("--vector 3: a request is 1, 2 or 4 floats",),
    "--vector 0": ("--vector 0: a request is 1, 2 or 4 floats",),
    "--vector 4": ("--vector 4: does not divide BN=6", "try 2 or 1"),
    "--pad -1": ("--pad -1: is not a whole number from 0",),
    "--pad 1.0": ("--pad 1.0: '1.0' is not a whole number",),
    "--preset sgemm --pad 10000": ("--pad 10000: needs 328192 bytes of shared memory",),
    "--preset sgemm --warp 6": ("--warp 6: is not 2 numbers",),
    "--warp 6x6": ("--warp 6x6: makes 9 lanes, not 32", "leave warp out"),
    "--preset sgemm --warp 48x64": ("--warp 48x64: WM=48 does not divide BM=128",),
    "--preset sgemm --warp 64x64": ("--warp 64x64: makes 64 lanes, not 32",),
    "--preset sgemm --warp 0x64": ("--warp 0x64: WM=0 is not a positive whole number",),
    # presets and files
    "--preset sead": ("--preset sead: is not a preset", "try seed, ragged, small, sgemm"),
    "--preset=": ("--preset: is not a preset", "try seed"),
    "--preset seed --config good.toml": ("--config good.toml: comes in place of --preset",),
    "--config nowhere.toml": ("--config nowhere.toml: cannot be read: no such file",),
    "--config .": ("--config .: cannot be read: is a directory",),
    "--config broken.toml": ("--config broken.toml: is not TOML: ", "line 1"),
    "--config bytes.toml": ("--config bytes.toml: is not TOML: ",),
    "--config unknown.toml": ("unknown.toml: colour: is not a field", "try gemm, cta"),
    "--config header.toml": ("header.toml: seed: is not a field",),
    "--config missing.toml": ("missing.toml: thread: is missing", 'try thread = "2x2"'),
    "--config list.toml": ("list.toml: gemm [12, 12, 12]: is not 3 numbers",),
    "--config float.toml": ("float.toml: pad 1.5: 1.5 is not a whole number",),
    "--config bool.toml": ("bool.toml: vector True: True is not a whole number",),
    "--config text.toml": ("text.toml: large-shared yes: is not true or false", "try true"),
    "--config number.toml": ("number.toml: thread 2: is not 2 numbers",),
    "--config table.toml": ("table.toml: warp {'m': 3}: is not 2 numbers",),
    "--config uneven.toml": ("uneven.toml: thread 4x4: TM=4 does not divide BM=6",),
    "--config good.toml --thread 5x1": ("--thread 5x1: TM=5 does not divide BM=6",),
    "--config long.toml": ("--config long.toml: is not TOML: ", "digits"),
    "--config hexadecimal.toml": ("hexadecimal.toml: pad a number of thousands of digits: ",),
    "--config deep.toml": ("--config deep.toml: is not TOML: maximum recursion depth",),
    "--config dotted.toml": ("--config dotted.toml: cannot be read: larger than 8,192 bytes",),
    "--config large.toml": ("--config large.toml: cannot be read: larger than 8,192 bytes",),
    "--config escape.toml": ("escape.toml: cta 6x6x\\x1b[31m4: '\\x1b[31m4' is not a whole",),
    "--config lines.toml": ("lines.toml: cta 6x6\\nx4: '6\\n' is not a whole number",),
    "--config \udcff.toml": ("--config \\udcff.toml: clips are named after it",),
    "--config /dev/zero": ("--config /dev/zero: cannot be read: not a regular file",),
    f"--config {'y' * 256}": ("--config yyy", "file name too long", "try a shorter one"),
    # numbers and texts that are too long, or look like others
    f"clip overview --jobs {'9' * 5000}": ("--jobs 999", "(5,000 characters): is not a whole"),
    f"serve --port {'9' * 5000}": ("--port 999", "is not a whole number from 1 to 65535"),
    f"--stages {'9' * 5000}": ("--stages 999", "is not a whole number"),
    f"verify --without-barrier {'9' * 5000}": ("--without-barrier 999", "is not a whole number"),
    "clip overview --jobs ８": ("--jobs ８: is not a whole number",),
    "serve --port ８０００": ("--port ８０００: is not a whole number",),
    "--cta ６x6x4": ("--cta ６x6x4: '６' is not a whole number",),
    "--cta 6x6\nx4": ("--cta 6x6\\nx4: '6\\n' is not a whole number", "try 6x6x4"),
    "--block 1,\n0": ("--block 1,\\n0: '\\n0' is not a whole number",),
    f"--preset {LONG}": ("--preset xxx", "(100,000 characters): is not a preset"),
    f"--cta {LONG}": ("--cta xxx", "is not 3 numbers"),
    f"--{LONG}": ("--xxx", "is no option of "),
    f"inspect {LONG}": ("render.py inspect: Got unexpected extra argument (xxx",),
    f"clip {LONG}": ("scene xxx", "is not known"),
    f"clip overview --theme {LONG}": ("--theme xxx", "is not known"),
    f"film --scenes {LONG}": ("--scenes xxx", "is not known"),
    f"verify --rung {LONG}": ("--rung xxx", "is not known"),
    f"embed overview --base-url {LONG}": ("--base-url xxx", "is no web address"),
    f"serve --out {LONG}": ("--out xxx", "file name too long"),
    f"clip overview --out {'y' * 256}": ("--out yyy", "file name too long", "try a shorter one"),
    "clip \x1b[2J": ("scene \\x1b[2J: is not known",),
    "inspect --\x1b[2J": ("--\\x1b[2J: is no option of ",),
    # clips
    "clip overvew": ("scene overvew: is not known", "try overview"),
    "clip overview nothing": ("scene nothing: is not known",),
    "clip overview --theme dark": ("--theme dark: is not known", "try paper, night, both"),
    "clip overview --aspect square": ("--aspect square: is not known", "try wide, tall, both"),
    "clip overview --quality 4k": ("--quality 4k: is not known", "try draft, web, uhd"),
    "clip overview --jobs 0": ("--jobs 0: is not a whole number from 1 to 256", "try 2"),
    "clip overview --jobs -1": ("--jobs -1: is not a whole number",),
    "clip overview --jobs many": ("--jobs many: is not a whole number",),
    "clip overview --jobs 1000000": ("--jobs 1000000: is not a whole number",),
    "clip overview --out a-file": ("--out a-file: cannot be written: file exists",),
    "clip overview --out a-file/clips": ("--out a-file/clips: cannot be written: not a dir",),
    "clip overview --out /proc/clips": ("--out /proc/clips: cannot be written: ",),
    "clip why_tile --thread 5x5": ("--thread 5x5: TM=5 does not divide BM=6", "try 6x6 or 6x3"),
    "film --direct --stages 2": ("--direct: leaves no shared memory for stages",),
    # the door itself
    "rendr": (
        "command rendr: is not known",
        "try list, clip, film, embed, serve, inspect, source, verify",
    ),
    "--nothing": ("--nothing: is no option of ", "--help"),
    "inspect --presett seed": ("--presett: is no option of ", "try --preset"),
    "inspect --preset": ("", "'--preset' requires an argument", "--help"),
    "inspect --json=3": ("", "'--json' does not take a value", "--help"),
    "inspect seed": ("", "unexpected extra argument (seed)", "--help"),
    "list seed": ("", "unexpected extra argument (seed)", "--help"),
    "clip --all overview": ("--all: means every scene", "leave out overview"),
    "clip": ("scene: is missing", "try overview", "--all"),
    "film --scenes overview,nothing": ("--scenes nothing: is not known", "try overview"),
    "film --scenes overview,overview": ("--scenes overview,overview: names one twice",),
    "film --scenes=": ("--scenes: is not known", "try overview"),
    "film --theme dusk": ("--theme dusk: is not known", "try paper, night"),
    "film overview": ("", "unexpected extra argument (overview)", "--help"),
    "inspect --sweep --chip sm_70": ("--chip sm_70: is not known", "try sm_75, sm_80"),
    # the page
    "embed": ("scene: is missing", "try overview"),
    "embed nothing": ("scene nothing: is not known", "film"),
    "embed overview --no-render": (
        "scene overview: needs media/overview.mp4",
        "clip overview --theme both",
    ),
    "embed film": ("scene film: needs media/film.mp4", "try python render.py film"),
    "embed film --quality draft --out clips": ("scene film: ", "--quality draft --out clips"),
    "embed overview --preset sgemm --no-render": (
        "scene overview: needs ",
        "--aspect both --preset sgemm",
    ),
    "embed outer_product --direct --pad 1": ("--direct: leaves no shared memory for pad",),
    "embed overview --theme dusk": ("--theme dusk: is not known", "try paper, night, auto"),
    "embed overview --base-url javascript:x": ("--base-url javascript:x: is no web address",),
    "embed overview --base-url http://[": ("--base-url http://[: is no web address",),
    "embed overview --base-url http://a]b": ("--base-url http://a]b: is no web address",),
    "embed overview --base-url http://": ("--base-url http://: is no web address",),
    "embed overview --base-url http:x": ("--base-url http:x: is no web address",),
    "embed overview --base-url /a?b": ("--base-url /a?b: is no web address",),
    "embed overview --base-url /a#b": ("--base-url /a#b: is no web address",),
    "embed overview --base-url \\\\evil": ("--base-url \\\\evil: is no web address",),
    "embed overview --base-url http://a:99999999999": ("--base-url http://a:999", "is no web"),
    "embed overview --base-url http://a:b": ("--base-url http://a:b: is no web address",),
    "embed --page": ("--out media: has no clip to show", "clip --all"),
    "embed overview --page": ("--page: shows every clip", "leave out overview"),
    "serve": ("--out media: has no index.html", "embed --page"),
    "serve --port 0": ("--port 0: is not a whole number from 1 to 65535", "try 8000"),
    "verify --without-barrier 5": ("--without-barrier 5: the schedule has 5 barriers", "0 to 4"),
    "verify --without-barrier -1": ("--without-barrier -1: is not a whole number from 0",),
    # options that say nothing beside others, and empty ones
    "inspect --sweep --json": ("--json: does not go with --sweep", "leave out one"),
    "inspect --sweep --cta 6x6x4": ("--cta: does not go with --sweep", "leave out one"),
    "inspect --plot .svg": ("--plot .svg: is not called .svg or .png", "try tilings.svg"),
    "inspect --plot a.pdf": ("--plot a.pdf: is not called .svg or .png", "try tilings.svg"),
    "inspect --plot a.svg --csv": ("--csv: does not go with --plot", "leave out one"),
    "inspect --chip sm_80": ("--chip: does not go with the numbers of one tiling", "leave out one"),
    "inspect --plot a-file/a.svg": (
        "--plot a-file/a.svg: cannot be written: ",
        "try another folder",
    ),
    "verify --without-barrier 1 --json": ("--json: does not go with --without-barrier",),
    "verify --without-barrier 1 --rung model": ("--rung: does not go with --without-barrier",),
    "embed --page --base-url /x": ("--base-url: does not go with --page", "leave out one"),
    "embed --page --preset small": ("--preset: does not go with --page", "leave out one"),
    "clip overview --out=": ("--out: is empty", "leave it out"),
    "verify --report /dev/null": ("--report /dev/null: cannot be written: null is there, and no",),
    "verify --report .": ("--report .: cannot be written: ", "no regular file"),
    "verify --report=": ("--report: is empty", "leave it out"),
    "clip overview --config night.toml": (
        "--config night.toml: clips are named after it, and night has a meaning there",
        "call the file mine.toml",
    ),
    "verify --cta 6x6x0": ("--cta 6x6x0: BK=0 is not a positive whole number",),
}

COMMANDS = (*render.main.commands, "rendr", "--nothing")


def arguments(case: str) -> list[str]:
    args = case.split(" ")
    return args if args[0] in COMMANDS else ["inspect", *args]


def run(args: list[str]):
    return CliRunner().invoke(render.main, args, prog_name="render.py")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    for name, text in FILES.items():
        tmp_path.joinpath(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.chdir(tmp_path)


def snapshot() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def refused(args: list[str]) -> str:
    before = snapshot()
    result = run(args)
    assert result.exit_code == 2, result.output
    assert result.stdout == "" and result.stderr.count("\n") == 1, result.output
    assert snapshot() == before and {path.name for path in Path().iterdir()} == set(FILES)
    assert result.stderr.startswith("Error: ") and result.stderr.endswith(")\n")
    assert len(result.stderr) < 1000 and result.stderr[:-1].isprintable()
    return result.stderr.removeprefix("Error: ").removesuffix("\n")


def test_there_are_at_least_forty_cases():
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES)
def test_refused_in_one_line_that_says_what_would_do(case):
    begins, *parts = CASES[case]
    line = refused(arguments(case))
    assert line.startswith(begins)
    assert all(part in line for part in parts), line
    assert re.search(r" \((try|give|leave|call) .+\)$", line), line


SUGGESTS = [case for case in CASES if case.startswith("--") and "--config" not in case]
SUGGESTS.remove("--nothing")
SUGGESTS.remove(f"--{LONG}")
SUGGESTS.remove("--gemm 1x1x2000000000")  # what it suggests takes seconds


@pytest.mark.parametrize("case", SUGGESTS)
def test_what_the_line_suggests_is_accepted(case):
    args = arguments(case)
    line = refused(args)
    field, remedy = line.split(" ")[0].rstrip(":"), line[line.rindex("(") + 1 : -1]
    # The arguments without the field: it is one argument, --gemm=, or two
    at = next(i for i, arg in enumerate(args) if arg.split("=")[0] == field)
    alone = "=" in args[at] or line.startswith(f"{field}: ")
    rest = args[:at] + args[at + (1 if alone else 2) :]
    for more in suggested(field, remedy, given=args[at : at + 2]):
        result = run([*rest, *more])
        assert result.exit_code == 0, (line, more, result.output)


def suggested(field: str, remedy: str, given: list[str]) -> list[list[str]]:
    """The options that each suggestion of a remedy stands for."""
    if remedy.startswith("leave"):
        return [[]]
    if both := re.fullmatch(r"try cta (\S+) with thread (\S+)", remedy):
        return [["--cta", both[1], "--thread", both[2]]]
    remedy, opt_in, _ = remedy.removeprefix("try ").partition(" or large-shared")
    values = re.split(r", | or | to ", remedy)
    return [[field, value] for value in values] + ([[*given, "--large-shared"]] if opt_in else [])


@pytest.mark.parametrize(
    ("stem", "means"),
    [
        ("seed", True),
        ("sgemm-2", True),
        ("mine-tall", True),
        ("my-sgemm", False),
        ("nightly", False),
    ],
)
def test_a_file_is_not_called_as_other_clips_are(stem, means):
    Path(f"{stem}.toml").write_text(GOOD)
    result = run(["inspect", "--config", f"{stem}.toml"])
    assert result.exit_code == (2 if means else 0)
    assert ("clips are named after it" in result.stderr) == means


def test_a_port_that_is_taken():
    Path("index.html").touch()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run(["serve", "--out", ".", "--port", str(port)])
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.startswith(f"Error: --port {port}: cannot be listened on: address already")


def test_a_value_with_a_line_break_is_still_one_line():
    assert refused(["inspect", "--preset", "se\ned"]).startswith("--preset se\\ned: ")
    assert refused(["inspect", "--cta", "6x6x4\n5"]).startswith("--cta 6x6x4\\n5: ")
    assert refused(["inspect", "--nothing\nat all"])


@pytest.mark.parametrize("args", [["list"], ["inspect"], ["inspect", "--json"], ["--help"]])
def test_right_input_is_not_refused(args):
    result = run(args)
    assert result.exit_code == 0 and result.stdout and not result.stderr


def test_no_command_shows_the_help():
    result = run([])
    assert "Commands:" in result.output and "Error" not in result.output


def test_a_pipe_is_not_waited_for():
    os.mkfifo("pipe.toml")
    result = run(["inspect", "--config", "pipe.toml"])
    assert result.exit_code == 2 and "cannot be read: not a regular file" in result.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-16"])
def test_whatever_the_terminal_speaks_it_is_utf_8(encoding, monkeypatch):
    """What is printed goes into files, too, and they into pages."""
    file = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(file, encoding))
    render.main(["inspect"], standalone_mode=False)
    assert "12×12×12 in 6×6×4" in file.getvalue().decode("utf-8")


def ends(args, capfd) -> tuple[int, str]:
    """Exit status and stderr of the program itself."""
    with pytest.raises(SystemExit) as end:
        render.main(args)
    return end.value.code, capfd.readouterr().err


class Full(io.StringIO):
    """As /dev/full: what is printed goes nowhere, which is found out when there is much of it."""

    def flush(self) -> None:
        if self.getvalue():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("args", [["list"], ["inspect"], ["inspect", "--json"], ["--help"]])
def test_a_full_device_is_said_in_one_line(args, monkeypatch, capfd):
    monkeypatch.setattr(sys, "stdout", Full())
    assert ends(args, capfd) == (1, "Error: no space left on device\n")


def test_a_closed_stdout_is_said(monkeypatch, capfd):
    monkeypatch.setattr(sys, "stdout", None)
    assert ends(["list"], capfd) == (1, "Error: stdout is closed (try > /dev/null)\n")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "there is not enough memory"),
        (OSError(24, "Too many open files", "a\x1bb"), "too many open files: a\\x1bb"),
    ],
)
def test_what_the_machine_does_not_give_is_said_in_one_line(error, line, monkeypatch, capfd):
    def fails(*args, **options):
        raise error

    monkeypatch.setattr("publish.tables.show_traffic", fails)
    assert ends(["inspect"], capfd) == (1, f"Error: {line}\n")

"""Subtitles say what the caption line says, from the frame at which it appears."""

import re

import pytest

from publish.captions import vtt
from publish.description import Caption, Chapter, Marks
from publish.settings import Clip
from publish.worker import marks_of
from scenes import SCENES
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.type import Label
from tests.screening import screen
from tiling.presets import choose

CUE = re.compile(r"(\d+):(\d+):(\d+)\.(\d+) --> (\d+):(\d+):(\d+)\.(\d+)\n(.+)\n")


def milliseconds(hours: str, minutes: str, seconds: str, rest: str) -> int:
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(rest)


@pytest.mark.parametrize("scene", SCENES)
def test_each_cue_is_on_the_screen_from_its_frame_to_its_last(scene: str) -> None:
    clip = Clip(scene, choose("ragged"))
    shown: list[tuple[int, str]] = []

    def look_at(film: TilingScene) -> None:
        lines = [line.text for line in film._caption if isinstance(line, Label)]
        note = film.captions[-1].note  # a line of its own, which the file has not
        shown.append((film.renderer.frames, " ".join(lines[: len(lines) - bool(note)])))

    film = screen(clip, look_at)
    marks = marks_of(film, film.renderer.frames)
    cues = [
        (milliseconds(*match.groups()[:4]), milliseconds(*match.groups()[4:8]), match.group(9))
        for match in CUE.finditer(vtt(marks, clip.fps))
    ]
    assert len(cues) == len(film.captions)
    assert cues[0][0] == 0 and cues[-1][1] == round(1000 * film.renderer.frames / clip.fps)
    for end_of_play, text in shown:
        now = end_of_play * 1000 / clip.fps
        assert [words for start, end, words in cues if start < now <= end] == [text]


def test_the_file_is_webvtt() -> None:
    captions = Caption(0.0, "a"), Caption(3661.2, "b")
    marks = Marks(frames=60 * 3662, captions=captions, chapters=(Chapter(0.0, "x"),))
    assert vtt(marks, 60) == (
        "WEBVTT\n\n00:00:00.000 --> 01:01:01.200\na\n\n01:01:01.200 --> 01:01:02.000\nb\n"
    )

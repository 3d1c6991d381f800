"""From Manim's scenes to frames: a renderer that redraws only what moved.

Manim's own renderer copies whole frames several times and converts each of them to the encoder's
colours. In our scenes little moves at a time, so this one restores, draws and converts only the
rectangle in which something did.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
from av.video.plane import VideoPlane
from av.video.reformatter import Colorspace, VideoReformatter
from manim import Animation, Scene, VMobject
from manim.renderer.cairo_renderer import CairoRenderer
from manim.utils.family import extract_mobject_family_members

from scenes.kit.look import Box
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.type import Label, Texts

Pixels = npt.NDArray[np.uint8]

AROUND = 8
"""Pixels converted around a changed rectangle, so that the colour filter sees its neighbours."""

GRID = 32
"""Pixels to which rectangles are widened before they are converted."""


class FrameRenderer(CairoRenderer):
    """Gives each frame to `sink(planes, repeat)`, as `to_planes` makes them.

    Whether a chapter is rendered here is asked of `mine(chapter)` when it begins; the frames of
    another's are only counted.
    """

    def __init__(
        self, sink: Callable[[list[Pixels], int], None], mine: Callable[[int], bool], **options: Any
    ) -> None:
        super().__init__(**options)
        self.sink, self.mine = sink, mine
        self.chapter, self.drawing = -1, False
        self.frames = 0
        self.poster: Pixels | None = None
        self.planes: list[Pixels] | None = None
        self.last: list[Box] | None = None

    def play(self, scene: Scene, *args: Any, **options: Any) -> None:
        assert isinstance(scene, TilingScene)
        chapter = max(0, len(scene.chapters) - 1)
        if chapter != self.chapter:
            self.chapter, self.drawing = chapter, self.mine(chapter)
        self.scene = scene
        self.last = None
        before = self.frames
        if self.drawing:
            super().play(scene, *args, **options)
        else:
            self._begin(scene, *args, **options)
            self._end(scene)
        made, wanted = self.frames - before, round(scene.duration * self.camera.frame_rate)
        if made != wanted:
            raise AssertionError(f"a play of {scene.duration} s has {made} frames")
        self.time = self.frames / self.camera.frame_rate  # seconds never drift from frames

    def _begin(self, scene: TilingScene, *args: Any, **options: Any) -> None:
        """Begin a play that is not drawn. Manim, too, can skip, but first prepares to draw."""
        scene.compile_animation_data(*args, **options)
        animations = scene.animations or []
        for animation in animations:
            animation._setup_scene(scene)
            animation.begin()

    def _end(self, scene: TilingScene) -> None:
        """Go to the end of the play at once."""
        for animation in scene.animations or []:
            animation.finish()
            animation.clean_up_from_scene(scene)
        self.num_plays += 1
        self.frames += round(scene.duration * self.camera.frame_rate)

    def save_static_frame_data(self, scene: Scene, static_mobjects: Any) -> Any:
        """Draw what lies under the first thing that moves, once for the whole play.

        Manim takes a group whole as soon as one part of it moves. Here the parts are told apart.
        """
        animations: list[Animation] = scene.animations or []
        tops = [top for animation in animations for top in animation.get_all_mobjects()]
        self.animated = {m for top in tops for m in top.get_family()}
        # With those that have no points yet: a play may give them some.
        family = extract_mobject_family_members(scene.mobjects, use_z_index=True)
        shown = [mobject for mobject in family if isinstance(mobject, VMobject)]
        first = next((i for i, m in enumerate(shown) if m in self.animated), len(shown))
        self.moving = shown[first:]
        self.paths: dict[VMobject, tuple[Box | None, Any]] = {}
        self.camera.reset()
        self._draw_all(shown[:first], [self._whole()])
        self.static_image = self.camera.pixel_array.copy()
        return self.static_image

    def update_frame(self, scene: Scene, *args: Any, **options: Any) -> None:
        """Draw the first frame of a play: all of what may move, over what does not."""
        self._draw_all(self.moving, [self._whole()])

    def render(self, scene: Scene, time: float, moving_mobjects: Any = None) -> None:
        # In the order in which they are drawn, not in the set's, which differs from run to run.
        moved = (m for m in self.moving if m in self.animated and _seen(m))
        now = _merge([box for m in moved if (box := self._reach(m))])
        if self.last is None:
            self.update_frame(scene)
            self._convert(None)
        elif changed := _merge([*now, *self.last]):
            changed = self._uncut(changed)
            self._redraw(changed)
            for box in changed:
                self._convert(box)
        self.last = now
        self._emit(1)

    @property
    def _pixels(self) -> Pixels:
        """The frame (height, width, 4). Manim calls its bytes int64."""
        return cast(Pixels, self.camera.pixel_array)

    def _whole(self) -> Box:
        return Box(0, 0, self.camera.pixel_width, self.camera.pixel_height)

    def freeze_current_frame(self, duration: float) -> None:
        self._convert(None)
        self._emit(round(duration * self.camera.frame_rate))

    def _emit(self, repeat: int) -> None:
        at = round(self.scene.poster_at * self.camera.frame_rate)
        if self.frames <= at < self.frames + repeat:
            self.poster = self._pixels.copy()
        self.frames += repeat
        assert self.planes is not None
        self.sink([plane.copy() for plane in self.planes], repeat)

    def _reach(self, mobject: VMobject) -> Box | None:
        """The pixels that a mobject may cover, whole and with a margin for its strokes."""
        camera = self.camera
        low, high = mobject.points.min(axis=0), mobject.points.max(axis=0)
        scale = camera.pixel_width / camera.frame_width
        margin = mobject.stroke_width * camera.cairo_line_width_multiple * scale + 2
        x, y = camera.pixel_width / 2, camera.pixel_height / 2
        left, top = (
            max(0, int(x + low[0] * scale - margin)),
            max(0, int(y - high[1] * scale - margin)),
        )
        right = min(camera.pixel_width, int(x + high[0] * scale + margin) + 1)
        bottom = min(camera.pixel_height, int(y - low[1] * scale + margin) + 1)
        return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None

    def _uncut(self, boxes: list[Box]) -> list[Box]:
        """Rectangles grown until they cut no text: Cairo draws a letter's edges a little otherwise
        where others of its line are cut off."""
        texts = [
            reach
            for mobject in self.moving
            if isinstance(mobject, Label | Texts) and _seen(mobject)
            if (reach := self._path(mobject)[0])
        ]
        while cut := [text for text in texts if any(_cuts(box, text) for box in boxes)]:
            boxes = _merge([*boxes, *cut])
        return boxes

    def _redraw(self, boxes: list[Box]) -> None:
        """Draw parts of the frame anew: the static image, and over it what may move."""
        context = self.camera.get_cairo_context(self.camera.pixel_array)
        matrix = context.get_matrix()
        context.save()
        context.identity_matrix()
        context.new_path()
        assert self.static_image is not None
        for box in boxes:
            at = slice(box.y, box.bottom), slice(box.x, box.right)
            self.camera.pixel_array[at] = self.static_image[at]
            context.rectangle(box.x, box.y, box.w, box.h)
        context.clip()
        context.set_matrix(matrix)
        self._draw_all(self.moving, boxes)
        context.restore()

    def _draw_all(self, mobjects: Sequence[VMobject], boxes: list[Box]) -> None:
        """Draw what of the mobjects lies in the boxes. What does not move keeps its path."""
        camera = self.camera
        context = camera.get_cairo_context(camera.pixel_array)
        for mobject in mobjects:
            if not _seen(mobject):
                continue
            reach, path = self._path(mobject)
            if reach is not None and any(reach.meets(box) for box in boxes):
                if path is None:
                    camera.set_cairo_context_path(context, mobject)
                    path = context.copy_path()
                else:
                    context.new_path()
                    context.append_path(path)
                if mobject.get_fill_opacity() > 0:
                    camera.apply_fill(context, mobject)
                if mobject.get_stroke_opacity() > 0:
                    camera.apply_stroke(context, mobject)
            if mobject not in self.animated:
                self.paths[mobject] = reach, path

    def _path(self, mobject: VMobject) -> tuple[Box | None, Any]:
        """What it may cover, and its path if that is known."""
        return self.paths.get(mobject) or (self._reach(mobject), None)

    def _convert(self, changed: Box | None) -> None:
        """Bring the planes up to date where the pixels have changed, or everywhere."""
        pixels = self._pixels
        height, width = pixels.shape[:2]
        if changed is None or self.planes is None:
            self.planes = to_planes(pixels)
            return
        # A coarse grid: borders are even, for chroma has one value for 2×2 pixels, and the same
        # few sizes come again and again, for which the converter is already set up.
        top, left = int(changed.y) // GRID * GRID, int(changed.x) // GRID * GRID
        bottom = min(height, -(-int(changed.bottom) // GRID) * GRID)
        right = min(width, -(-int(changed.right) // GRID) * GRID)
        up, west = max(0, top - AROUND), max(0, left - AROUND)
        around = pixels[up : bottom + AROUND, west : right + AROUND]
        parts = to_planes(np.ascontiguousarray(around))
        for whole, part, half in zip(self.planes, parts, (1, 2, 2), strict=True):
            rows, cols = (bottom - top) // half, (right - left) // half
            y, x = (top - up) // half, (left - west) // half
            at = slice(top // half, bottom // half), slice(left // half, right // half)
            whole[at] = part[y : y + rows, x : x + cols]


def to_planes(pixels: Pixels) -> list[Pixels]:
    """Y (h, w), U and V (h/2, w/2) in BT.709 of RGBA pixels (h, w, 4)."""
    frame = av.VideoFrame.from_ndarray(pixels, format="rgba")
    converter = _converter(*pixels.shape[:2])
    converted = converter.reformat(frame, format="yuv420p", dst_colorspace=Colorspace.ITU709)
    return [values_of(plane) for plane in converted.planes]


def values_of(plane: VideoPlane) -> Pixels:
    """A plane's values (height, width), where they lie in memory."""
    rows = np.frombuffer(cast(bytes, plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


@lru_cache(maxsize=32)
def _converter(height: int, width: int) -> VideoReformatter:
    """Setting one up takes longer than converting a small part of a frame with it, and each keeps
    megabytes: a third less memory for a process than with all sizes, and no slower."""
    return VideoReformatter()


def _seen(mobject: VMobject) -> bool:
    if not len(mobject.points):
        return False
    strokes = mobject.stroke_width > 0 and mobject.get_stroke_opacity() > 0
    return bool(strokes or mobject.get_fill_opacity() > 0)


def _cuts(box: Box, other: Box) -> bool:
    """Whether a part of the other lies in a box, and a part beside it."""
    return box.meets(other) and box.intersect(other) != other


def _merge(boxes: list[Box]) -> list[Box]:
    """Boxes that cover the same and do not meet, also not when each is grown by AROUND."""
    apart: list[Box] = []
    for box in boxes:
        while near := [other for other in apart if box.inset(-AROUND).meets(other)]:
            apart = [other for other in apart if other not in near]
            for other in near:
                x, y = min(box.x, other.x), min(box.y, other.y)
                right, bottom = max(box.right, other.right), max(box.bottom, other.bottom)
                box = Box(x, y, right - x, bottom - y)
        apart.append(box)
    return apart

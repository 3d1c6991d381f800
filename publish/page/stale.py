"""Whether a clip that lies on disk is still the one that would be rendered, and if not, why."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from publish.cache import describe, digest, fingerprint, versions
from publish.settings import QUALITIES, Clip
from tiling.presets import Choice
from tiling.shapes import Refused


def why_stale(clip: Clip, about: dict[str, Any]) -> str | None:
    """What has changed since a clip was made, None if nothing has.

    `about` is what its .json says. Where no clip can be rendered, nobody can tell, and None it is.
    """
    try:
        now, mark = versions(), _mark(clip, tuple(about.get("scenes", ())))
    except Refused:
        return None
    if about["choice"] != describe(clip.choice):
        return "it was made of another tiling"
    if any(digest(clip.out / name) != wanted for name, wanted in about["files"].items()):
        return "its files are not those that were rendered"
    changed = [name for name in now if about["versions"].get(name) != now[name]]
    if changed:
        return (
            f"{', '.join(changed)} {'has' if len(changed) == 1 else 'have'} another version since"
        )
    if about["fingerprint"] != mark:
        return "the sources that draw it have changed since"
    return None


def clip_of(about: dict[str, Any], choice: Choice, folder: Path) -> Clip:
    """The clip that a .json is about."""
    size = min(about["width"], about["height"]), about["fps"]
    quality = next((name for name, found in QUALITIES.items() if found == size), "")
    return Clip(about["scene"], choice, about["theme"], about["aspect"], quality, folder)


@lru_cache
def _mark(clip: Clip, scenes: tuple[str, ...]) -> str:
    from publish.film import film_of, mark_of

    return mark_of(film_of(scenes, clip)[1]) if scenes else fingerprint(clip)

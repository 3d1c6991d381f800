"""Whether a clip that lies on disk is the one that would be rendered now, and if not, why."""

from collections.abc import Sequence
from functools import lru_cache

from publish.cache import fingerprint, mark_of, versions
from publish.description import Description, read
from publish.sealed import Unfit
from publish.settings import Clip, film_of
from publish.sources import digest
from tiling.regular import of_the_file, reason
from tiling.shapes import Refused


def described(clip: Clip) -> Description:
    """What the .json of a clip says. Raises Unfit."""
    about = read(clip.file(".json"))
    if not isinstance(about, Description):
        raise Unfit("a report of proof")
    return about


def lacking(clip: Clip, scenes: Sequence[str] | None = None) -> str | None:
    """Why a clip cannot be shown as it lies on disk, None if it can: it is missing, or stale.

    `scenes`: which a film should have.
    """
    try:
        about = described(clip)
    except Unfit as why:
        return f"needs {clip.file('.mp4')}; {clip.file('.json').name}: {why}"
    if scenes is not None and about.scenes != tuple(scenes):
        return f"{clip.file('.mp4')} is stale: it has other scenes"
    why_not = why_stale(clip, about)
    return f"{clip.file('.mp4')} is stale: {why_not}" if why_not else None


def why_stale(clip: Clip, about: Description) -> str | None:
    """What has changed since a clip was made, None if nothing has, or if nobody can tell: where no
    clip can be rendered only its files are looked at."""
    if about.choice != clip.choice:
        return "it was made of another tiling"
    for kind, wanted in about.files.items():
        try:
            if digest(clip.file(kind)) != wanted:
                return f"its {kind} is not the one that was rendered"
        except OSError as error:
            if not of_the_file(error):
                raise
            return f"its {kind} cannot be read: {reason(error)}"
    try:
        now, mark = versions(), _mark(clip, about.scenes)
    except Refused:
        return None
    changed = [name for name in now if about.versions.get(name) != now[name]]
    if changed:
        have = "has" if len(changed) == 1 else "have"
        return f"{', '.join(changed)} {have} another version since"
    if about.fingerprint != mark:
        return "the sources that draw it have changed since"
    return None


@lru_cache
def _mark(clip: Clip, scenes: tuple[str, ...]) -> str:
    return mark_of(film_of(scenes, clip)[1]) if scenes else fingerprint(clip)

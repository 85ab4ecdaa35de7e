"""Left out: the tracks of a run that do not count, and how pages and reports say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from analytics.runs.number_text import count_text
from contracts.frame_results import TrackMark
from records.tables.faces import Track

STILL: Final = "a picture, or somebody who does not move"
"""The two kinds of still face. Pixels do not show which of them it is."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The tracks that trends, person-seconds and counts leave out, and their faces.

    static_*: faces that do not move, of pictures or of motionless people; one of them may have
    several tracks. tentative: tracks that were seen in one frame only, each with one face.
    """

    static_tracks: int = 0
    static_faces: int = 0
    tentative: int = 0

    @property
    def text(self) -> str:
        """The number of faces left out by kind, as a phrase; "" if there are none."""
        parts = []
        if self.static_tracks:
            faces = count_text(self.static_faces, "still face")
            tracks = count_text(self.static_tracks, "track")
            parts.append(f"{faces} in {tracks} ({STILL})")
        if self.tentative:
            parts.append(f"{count_text(self.tentative, 'face')} seen in one frame only")
        return ", ".join(parts)


def left_out_by_run(connection: Connection, run_pks: Sequence[int]) -> dict[int, LeftOut]:
    """Return what is left out of the runs in which something is, by run key."""
    rows = connection.execute(
        select(Track.run_pk, Track.mark, func.count(), func.sum(Track.faces))
        .where(Track.run_pk.in_(run_pks), Track.mark != TrackMark.PERSON)
        .group_by(Track.run_pk, Track.mark)
    )
    found: dict[int, dict[TrackMark, tuple[int, int]]] = {}
    for run_pk, mark, tracks, faces in rows:
        found.setdefault(run_pk, {})[TrackMark(mark)] = (int(tracks), int(faces))
    return {
        run_pk: LeftOut(
            *marks.get(TrackMark.STATIC, (0, 0)), marks.get(TrackMark.TENTATIVE, (0, 0))[0]
        )
        for run_pk, marks in found.items()
    }

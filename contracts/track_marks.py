"""TrackMark: why a track does not count as a person."""

from enum import StrEnum


class TrackMark(StrEnum):
    """The mark of a track. Its rows are stored whatever it is; only PERSON counts."""

    PERSON = ""
    TENTATIVE = "tentative"
    """Seen in one frame only, although frames come often."""
    STATIC = "static"
    """A face that does not live: a poster, a photo, a doll."""

    @property
    def counts(self) -> bool:
        """Whether trends, person-seconds and counts include the track."""
        return self is TrackMark.PERSON

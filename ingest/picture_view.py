"""PictureView: how a source's owner wants its pictures to be read."""

from dataclasses import dataclass

from contracts.analysis_spec import AnalysisOptions
from contracts.zones.polygons import Polygon
from contracts.zones.zone import masks_of
from ingest.orientation import Orientation


@dataclass(frozen=True, slots=True)
class PictureView:
    """How pictures are read. By default as they are displayed, without colour.

    rotate: degrees clockwise, a multiple of 90, by which the displayed picture is turned. mirror:
    whether it is then mirrored left to right. masks: polygons that are blackened, in fractions of
    the result. colour: whether chroma is read too.
    """

    rotate: int = 0
    mirror: bool = False
    masks: tuple[Polygon, ...] = ()
    colour: bool = False

    @classmethod
    def of(cls, options: AnalysisOptions, *, colour: bool = False) -> "PictureView":
        """Return the view that a run is pinned to."""
        masks = masks_of(options.zones)
        return cls(options.rotate, options.mirror, masks, colour)

    def orientation(self, stored: Orientation) -> Orientation:
        """Return how a picture is turned whose container says that it is stored so."""
        turned = stored.then(Orientation.from_rotation(-self.rotate))
        return turned.then(Orientation(mirrored_x=self.mirror))


DEFAULT_VIEW = PictureView()

"""Motion of a face: a Kalman filter over boxes at uneven times. Plain floats, no arrays."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from contracts.geometry import Box

# In units of the face's side, so that near and far faces move alike.
_MEASURED_SD: Final = 0.06  # Haar boxes jitter by 0.04; a little more gives a steadier box.
_ACCELERATION: Final = 3.0  # Per second, per root second: a nod starts and stops within 0.3 s.
_GROWTH: Final = 0.15  # Per root second: no face doubles its size in a second.
_FIRST_SPEED_SD: Final = 1.0  # Per second.


@dataclass(slots=True)
class Motion:
    """The state of the filter: a centre at constant velocity, a size as a random walk.

    The noise is the same in x and y and grows with the face, so one 2x2 covariance (position,
    speed) serves both axes: the textbook 8x8 filter without its zeros. x, y: centre in pixels.
    w, h: size in pixels. vx, vy: pixels per second. *_var: variances. cross: covariance of position
    and speed.
    """

    x: float
    y: float
    w: float
    h: float
    vx: float
    vy: float
    place_var: float
    cross: float
    speed_var: float
    size_var: float

    @classmethod
    def starting(cls, box: Box) -> "Motion":
        """Return the state of a face that was first detected in `box`: at rest, speed unknown."""
        place_var = (_MEASURED_SD * box.w) ** 2
        return cls(
            x=box.x + box.w / 2,
            y=box.y + box.h / 2,
            w=box.w,
            h=box.h,
            vx=0.0,
            vy=0.0,
            place_var=place_var,
            cross=0.0,
            speed_var=(_FIRST_SPEED_SD * box.w) ** 2,
            size_var=place_var,
        )

    @property
    def box(self) -> Box:
        return Box(self.x - self.w / 2, self.y - self.h / 2, self.w, self.h)

    @property
    def reach(self) -> float:
        """Three standard deviations of the distance to the next measurement, in pixels."""
        return 3 * math.sqrt(self.place_var + (_MEASURED_SD * self.w) ** 2)

    def predict(self, elapsed_s: float) -> None:
        """Advance the state (white-noise acceleration; Bar-Shalom et al. 2001, section 6.2)."""
        noise = (_ACCELERATION * self.w) ** 2
        self.x += self.vx * elapsed_s
        self.y += self.vy * elapsed_s
        self.place_var += (
            2 * self.cross * elapsed_s + self.speed_var * elapsed_s**2 + noise * elapsed_s**3 / 3
        )
        self.cross += self.speed_var * elapsed_s + noise * elapsed_s**2 / 2
        self.speed_var += noise * elapsed_s
        self.size_var += (_GROWTH * self.w) ** 2 * elapsed_s

    def correct(self, box: Box) -> None:
        """Update the state with a measured box."""
        measured_var = (_MEASURED_SD * box.w) ** 2
        gain = self.place_var / (self.place_var + measured_var)
        speed_gain = self.cross / (self.place_var + measured_var)
        off_x, off_y = box.x + box.w / 2 - self.x, box.y + box.h / 2 - self.y
        self.x += gain * off_x
        self.y += gain * off_y
        self.vx += speed_gain * off_x
        self.vy += speed_gain * off_y
        self.speed_var -= speed_gain * self.cross
        self.cross *= 1 - gain
        self.place_var *= 1 - gain
        size_gain = self.size_var / (self.size_var + measured_var)
        self.w += size_gain * (box.w - self.w)
        self.h += size_gain * (box.h - self.h)
        self.size_var *= 1 - size_gain

    def state(self) -> dict[str, Any]:
        """Return the state as JSON values; floats keep their exact value."""
        return asdict(self)

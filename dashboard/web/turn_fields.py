"""The fields of requests that say how a picture is turned."""

from typing import Literal

from pydantic import BaseModel

from contracts.zones.turning import Turn


class TurnFields(BaseModel):
    """How a displayed picture is turned: degrees clockwise, and then mirrored left to right."""

    rotate: Literal[0, 90, 180, 270] = 0
    mirror: bool = False

    @property
    def turn(self) -> Turn:
        return Turn(self.rotate, self.mirror)

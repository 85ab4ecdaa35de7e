"""The detectors by the name of the setting, and by the id that runs are pinned to."""

from typing import Final

from contracts.errors import SettingsError
from contracts.settings import DetectorName
from inference_worker.faces.detectors.detection import Detector
from inference_worker.faces.detectors.haar import HaarDetector, HaarSpec

_IDS: Final = {
    DetectorName.CENTERFACE: "centerface/2",
    DetectorName.HAAR: "haar-alt2/1",
    DetectorName.HAAR_EQUALIZED: "haar-alt2-equalized/1",
}


def detector_id(name: DetectorName) -> str:
    """Return the id to which runs with the detector `name` are pinned."""
    return _IDS[name]


def make_detector(pinned_id: str) -> Detector:
    """Return the detector of that id.

    Raises SettingsError if this version does not have it, ModelError if its files are damaged.
    """
    if pinned_id.startswith("centerface/"):
        # Imported here: a run with another detector needs neither LiteRT nor its weights.
        from inference_worker.faces.detectors import centerface

        for spec in (centerface.CENTERFACE, centerface.CENTERFACE_1):
            if spec.id == pinned_id:
                return centerface.CenterFaceDetector(spec)
    if pinned_id in _IDS.values():
        equalize = pinned_id == _IDS[DetectorName.HAAR_EQUALIZED]
        return HaarDetector(HaarSpec(pinned_id, equalize=equalize))
    raise SettingsError(f"this version of moodline has no detector {pinned_id!r}")

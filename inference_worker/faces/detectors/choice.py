"""The detectors by the name of the setting, and by the id that runs are pinned to.

Commands that only need an id start without OpenCV and LiteRT.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from contracts.errors import SettingsError
from contracts.settings import DetectorName, Settings
from inference_worker.faces.detectors.network_files import NETWORKS, read_network
from inference_worker.faces.detectors.yunet_file import (
    check_yunet,
    is_yunet,
    read_yunet,
    yunet_id,
)

if TYPE_CHECKING:
    from inference_worker.faces.detectors.detection import Detector

_IDS: Final = {
    DetectorName.CENTERFACE: "centerface/4",
    DetectorName.HAAR: "haar-alt2/1",
    DetectorName.HAAR_EQUALIZED: "haar-alt2-equalized/1",
}


def chosen_detector_id(settings: Settings) -> str:
    """Return the id to which new runs are pinned.

    Raises ModelError if its files are missing or damaged: no run may wait for such a detector.
    """
    if settings.detector is DetectorName.CENTERFACE:
        read_network(NETWORKS / "centerface")
    elif settings.detector is DetectorName.YUNET:
        return chosen_detector(settings).id
    return detector_id(settings.detector, settings.yunet_path)


def chosen_detector(settings: Settings) -> "Detector":
    """Return the detector of new runs. Raises ModelError if its files are missing or damaged."""
    pinned_id = detector_id(settings.detector, settings.yunet_path)
    return make_detector(pinned_id, settings.yunet_path)


def detector_id(name: DetectorName, yunet_file: Path | None = None) -> str:
    """Return the id of the detector `name`; that of yunet depends on its file.

    Raises ModelError if yunet's file is missing.
    """
    if name is DetectorName.YUNET:
        return yunet_id(read_yunet(yunet_file or Path()))
    return _IDS[name]


def make_detector(pinned_id: str, yunet_file: Path | None = None) -> "Detector":
    """Return the detector of that id, never another one.

    Raises SettingsError if this version does not have it, ModelError if its files are missing,
    damaged, or not those of the id.
    """
    if is_yunet(pinned_id):
        path = yunet_file or Path()
        weights = read_yunet(path)
        check_yunet(weights, pinned_id, path)
        from inference_worker.faces.detectors.yunet import YuNetDetector

        return YuNetDetector(weights)
    if pinned_id.startswith("centerface/"):
        # Imported here: a run with another detector needs neither LiteRT nor its weights.
        from inference_worker.faces.detectors import centerface

        if pinned_id in centerface.SPECS:
            return centerface.CenterFaceDetector(centerface.SPECS[pinned_id])
    if pinned_id in _IDS.values():
        from inference_worker.faces.detectors.haar import HaarDetector, HaarSpec

        equalize = pinned_id == _IDS[DetectorName.HAAR_EQUALIZED]
        return HaarDetector(HaarSpec(pinned_id, equalize=equalize))
    raise SettingsError(f"this version of moodline has no detector {pinned_id!r}")

"""Setting choices: the values of settings that are one of a few words."""

from enum import StrEnum


class DetectorName(StrEnum):
    """The face detectors that a run can use."""

    CENTERFACE = "centerface"
    HAAR = "haar"
    HAAR_EQUALIZED = "haar-equalized"
    YUNET = "yunet"


class Device(StrEnum):
    """The device on which a worker classifies. auto: a usable GPU, else the CPU."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"


class LiveView(StrEnum):
    """How the newest frame of a live source is shown."""

    BLURRED = "blurred"
    CLEAR = "clear"
    OFF = "off"

"""Choice of the device: LiteRT on the CPU, or Keras on a GPU."""

from importlib.util import find_spec
from pathlib import Path

import structlog

from contracts.errors import ModelError
from contracts.model_card import KERAS_NAME, ModelCard
from contracts.settings import Device
from inference_worker.faces.classify import Classifier, LiteRTClassifier
from inference_worker.faces.model_choice import chosen_model

log = structlog.get_logger()


def open_classifier(model: str, device: Device, head: str = "") -> Classifier:
    """Return the classifier of the model in folder `model`, or of the shipped model if it is "".

    device: AUTO uses a GPU if there is one. head: the head to record; "" is the one in the model
    card. Raises ModelError if the model cannot be loaded on that device.
    """
    folder = chosen_model(model)
    if device is Device.CPU:
        return LiteRTClassifier(folder, head)
    try:
        return _gpu_classifier(folder, head)
    except ModelError as exc:
        if device is Device.GPU:
            raise
        log.info("classifying on the CPU", reason=exc.line())
        return LiteRTClassifier(folder, head)


def _gpu_classifier(folder: Path, head: str) -> Classifier:
    if ModelCard.read(folder, head).looks:
        raise ModelError(
            f"{folder} has further networks, which GPU workers do not ask",
            hint=f"Set MOODLINE_MODEL to a folder with {KERAS_NAME}, or use --device cpu",
        )
    if not (folder / KERAS_NAME).exists():
        raise ModelError(
            f"{folder} has no {KERAS_NAME}, which a GPU worker needs",
            hint="Write it with `moodline model export`, and set MOODLINE_MODEL to that folder",
        )
    if find_spec("tensorflow") is None:
        raise ModelError("TensorFlow is not installed", hint="Install moodline[gpu]")
    from inference_worker.faces.classify_gpu import KerasClassifier

    return KerasClassifier(folder, head)

"""A script that times fer's quantised model on one thread and prints JSON.

It runs in fer's own virtual environment.
"""

import json
import statistics
import time
from pathlib import Path

import fer
import numpy as np
import tensorflow as tf

CALLS = 300


def main() -> None:
    """Print the median milliseconds per face, alone and in batches of 8."""
    path = Path(fer.__file__).parent / "data" / "emotion_model_quantized.tflite"
    found = {}
    for batch in (1, 8):
        interpreter = tf.lite.Interpreter(model_path=str(path), num_threads=1)
        (image,) = interpreter.get_input_details()
        interpreter.resize_tensor_input(image["index"], [batch, *image["shape"][1:]])
        interpreter.allocate_tensors()
        faces = np.random.default_rng(7).random((batch, *image["shape"][1:])).astype(image["dtype"])
        times = []
        for _ in range(CALLS):
            begin = time.perf_counter()
            interpreter.set_tensor(image["index"], faces)
            interpreter.invoke()
            times.append((time.perf_counter() - begin) * 1000 / batch)
        found[f"batch_{batch}"] = statistics.median(times)
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""A script that runs the `fer` library on every frame of a clip and prints JSON.

It runs in fer's own virtual environment, with fer's defaults: the Haar detector and the quantised
model. One frame warms up before the time starts. A second argument is the most frames.
"""

import json
import sys
import time

import cv2
from fer.fer import FER


def main(path: str, most: int) -> None:
    """Print the frames, the faces and the frames per second of one pass over the clip."""
    detector = FER(mtcnn=False)
    capture = cv2.VideoCapture(path)
    detector.detect_emotions(capture.read()[1])
    capture = cv2.VideoCapture(path)
    frames = faces = 0
    begin = time.perf_counter()
    while frames < most:
        read, picture = capture.read()
        if not read:
            break
        faces += len(detector.detect_emotions(picture))
        frames += 1
    seconds = time.perf_counter() - begin
    print(json.dumps({"frames": frames, "faces": faces, "fps": frames / seconds}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

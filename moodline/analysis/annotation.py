"""`analyze --annotate`: a copy of a recording with what was read drawn onto every frame.

The frames are read again, as they were for the analysis, and joined with the records by
frame_index: what is drawn is what is stored.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from sqlalchemy import Engine, select

from analytics.export.columns import COLUMNS
from analytics.export.record_pages import Selection, record_pages
from analytics.runs.run_list import run_not_found
from contracts.errors import ExportError
from inference_worker.pictures.drawing import DrawnFace, draw_faces
from ingest.files.source import FileSource
from ingest.frame_source import SourceFrame
from records.database import reading
from records.tables.runs import Run

_PLACE: Final = {column.name: i for i, column in enumerate(COLUMNS)}
_TIME_BASE: Final = Fraction(1, 90_000)
_NOMINAL_RATE: Final = 30
_SUFFIXES: Final = (".mp4", ".mkv", ".mov")


def check_annotation_path(path: Path) -> None:
    """Raise ExportError now for a file that could not be written after the analysis."""
    if path.suffix not in _SUFFIXES:
        raise ExportError(
            f"cannot annotate into {path.suffix or path.name!r}",
            hint=f"Use one of {', '.join(_SUFFIXES)}",
        )
    folder = path.absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ExportError(f"cannot write into {folder}", hint="Make the folder")


def annotate_recording(engine: Engine, run_id: str, recording: Path, out: Path) -> None:
    """Write `out`, H.264 with the recording's own frame times, without sound.

    It appears whole or not at all. Raises RunNotFoundError, SourceError, ExportError.
    """
    check_annotation_path(out)
    with reading(engine) as connection:
        run = connection.execute(
            select(Run.sampling_fps, Run.options).where(Run.run_id == run_id)
        ).first()
    if run is None:
        raise run_not_found(run_id)
    max_side = json.loads(run.options)["analysis"]["max_frame_side"]
    handle, name = tempfile.mkstemp(
        prefix=".moodline-", suffix=out.suffix, dir=out.absolute().parent
    )
    os.close(handle)
    part = Path(name)
    try:
        with FileSource(recording, fps=run.sampling_fps, max_side=max_side) as source:
            _write(part, source, _FacesByFrame(engine, run_id))
        part.chmod(0o644)
        part.replace(out)
    except (OSError, av.FFmpegError) as exc:
        raise ExportError(f"cannot write {out}: {exc}") from exc
    finally:
        part.unlink(missing_ok=True)


def _write(part: Path, source: FileSource, faces: "_FacesByFrame") -> None:
    info = source.info
    with av.open(str(part), "w") as container:
        stream: av.VideoStream | None = None
        last_pts = -1
        for frame in source.frames():
            if stream is None:
                stream = container.add_stream(
                    "libx264", rate=_NOMINAL_RATE, options={"preset": "veryfast", "crf": "20"}
                )
                # The codec takes even sides only.
                stream.width, stream.height = frame.width & ~1, frame.height & ~1
                stream.pix_fmt = "yuv420p"
                stream.codec_context.time_base = _TIME_BASE
            scale = (frame.width / info.display_width, frame.height / info.display_height)
            picture = av.VideoFrame.from_ndarray(
                draw_faces(_luma(frame), faces.of(frame.frame_index, scale)), format="bgr24"
            ).reformat(stream.width, stream.height)
            pts = round(Fraction(frame.media_time_us, 1_000_000) / _TIME_BASE)
            last_pts = max(pts, last_pts + 1)
            picture.pts, picture.time_base = last_pts, _TIME_BASE
            container.mux(stream.encode(picture))
        if stream is not None:
            container.mux(stream.encode(None))


def _luma(frame: SourceFrame) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer(frame.luma, np.uint8).reshape(frame.height, frame.width)


class _FacesByFrame:
    """The faces of one frame after another, read page by page."""

    def __init__(self, engine: Engine, run_id: str) -> None:
        pages = record_pages(engine, Selection(run_ids=(run_id,)))
        self._rows: Iterator[tuple[Any, ...]] = (row for page in pages for row in page)
        self._next = next(self._rows, None)

    def of(self, frame_index: int, scale: tuple[float, float]) -> list[DrawnFace]:
        """The faces of that frame, in its luma's pixels; frames are asked for in order."""
        faces = []
        while self._next is not None and self._next[_PLACE["frame_index"]] <= frame_index:
            if self._next[_PLACE["frame_index"]] == frame_index:
                faces.append(_drawn(self._next, scale))
            self._next = next(self._rows, None)
        return faces


def _drawn(row: tuple[Any, ...], scale: tuple[float, float]) -> DrawnFace:
    label = row[_PLACE["smoothed_emotion"]]
    return DrawnFace(
        track_id=row[_PLACE["track_id"]],
        x=row[_PLACE["x"]] * scale[0],
        y=row[_PLACE["y"]] * scale[1],
        w=row[_PLACE["w"]] * scale[0],
        h=row[_PLACE["h"]] * scale[1],
        label=label,
        # Of the frame itself: the smoothed label's certainty is not exported.
        confidence=row[_PLACE[label]] if label else 0.0,
    )

"""Annotated copies: a recording with boxes, tracks and labels drawn on every frame.

The frames are decoded again as for the analysis, and joined with the stored rows by frame index,
so the copy shows exactly what is stored.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorRange
from sqlalchemy import Engine, select

from analytics.export.atomic_files import atomic_file
from analytics.export.record_pages import FaceRecord, Record, Selection, record_pages
from analytics.runs.run_list import run_not_found
from contracts.errors import ExportError
from contracts.frame_results import TrackMark
from inference_worker.pictures.colour import bgr_picture
from inference_worker.pictures.drawing import DrawnFace, draw_faces
from ingest.decoding_limits import DEFAULT_LIMITS, DecodingLimits
from ingest.files.content_hash import Content, require_content
from ingest.files.opening import pinned
from ingest.files.recording_info import ColourTags
from ingest.files.sound import RecordingSound
from ingest.files.source import FileSource
from ingest.frame_source import SourceFrame
from ingest.picture_view import PictureView
from moodline.analysis.copied_sound import CopiedSound
from records.database import reading
from records.json_columns import decode_run_options
from records.tables.runs import Run
from runtime.files.free_space import FreeSpace

_TIME_BASE: Final = Fraction(1, 90_000)
_NOMINAL_RATE: Final = 30
_FRAMES_PER_SPACE_CHECK: Final = 100
_SUFFIXES: Final = (".mp4", ".mkv", ".mov")


def check_annotation_path(path: Path) -> None:
    """Raise ExportError if the file could not be written after the analysis."""
    if path.suffix not in _SUFFIXES:
        raise ExportError(
            f"cannot write an annotated copy as {path.suffix or path.name!r}",
            hint=f"Use one of {', '.join(_SUFFIXES)}",
        )
    folder = path.absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ExportError(f"cannot write into {folder}", hint="Create the folder")


def annotate_recording(  # noqa: PLR0913  (the last two by name)
    engine: Engine,
    run_id: str,
    recording: Path,
    out: Path,
    space: FreeSpace,
    *,
    limits: DecodingLimits = DEFAULT_LIMITS,
    on_frame: Callable[[], None] = lambda: None,
) -> None:
    """Write the annotated copy: H.264 in colour with the recording's frame times and its sound.

    `out` appears when it is complete, or not at all. space: what must stay free on its disk.
    limits: of the recording's frames. on_frame: called after each frame. Raises MemoryError,
    RunNotFoundError, ExportError, DiskFullError, and SourceError, also if the recording is
    not the analysed one.
    """
    check_annotation_path(out)
    with reading(engine) as connection:
        run = connection.execute(
            select(Run.sampling_fps, Run.options, Run.content_hash, Run.file_state).where(
                Run.run_id == run_id
            )
        ).first()
    if run is None:
        raise run_not_found(run_id)
    content = Content(run.content_hash, run.file_state or "")
    options = decode_run_options(run.options)
    view = PictureView.of(options.analysis, colour=True)
    try:
        with atomic_file(out) as part, pinned(recording) as place:
            require_content(place, content, name=recording.name)
            with (
                FileSource(
                    place,
                    name=recording.name,
                    fps=run.sampling_fps,
                    max_side=options.analysis.max_frame_side,
                    limits=limits,
                    view=view,
                    keeps_damaged=not options.drops_damaged,
                ) as source,
                RecordingSound(place, limits, source.start_s) as sound,
            ):
                _write(part, source, sound, _FacesByFrame(engine, run_id), space, on_frame)
            if not _exists(engine, run_id):  # Erased meanwhile, and its people must stay erased.
                raise run_not_found(run_id)
    except MemoryError:
        raise
    except (OSError, av.FFmpegError) as exc:
        raise ExportError(f"cannot write {out}: {exc}") from exc


def _exists(engine: Engine, run_id: str) -> bool:
    with reading(engine) as connection:
        return connection.execute(select(Run.id).where(Run.run_id == run_id)).first() is not None


def _write(  # noqa: PLR0913, PLR0917  (its whole surroundings, once)
    part: Path,
    source: FileSource,
    sound: RecordingSound,
    faces: "_FacesByFrame",
    space: FreeSpace,
    on_frame: Callable[[], None],
) -> None:
    info, copy = source.info, None
    with av.open(str(part), "w") as container:
        for count, frame in enumerate(source.frames()):
            if count % _FRAMES_PER_SPACE_CHECK == 0:
                space.require(part.parent, 0, "the annotated copy")
            copy = copy or _Copy(container, sound, frame, source.colours)
            scale = (frame.width / info.display_width, frame.height / info.display_height)
            copy.add(frame, faces.at(frame.frame_index, scale))
            on_frame()
        if copy is not None:
            copy.finish()


class _Copy:
    """The streams of a copy whose first frame is `first`. Call `add` for each frame, in order."""

    def __init__(
        self,
        container: OutputContainer,
        sound: RecordingSound,
        first: SourceFrame,
        colours: ColourTags,
    ) -> None:
        self._container = container
        self._video = _video_stream(container, first, colours)
        self._sound = CopiedSound(container, sound)
        self._durations: dict[int, int] = {}
        self._last_pts = -1
        self._end_us = 0

    def add(self, frame: SourceFrame, faces: list[DrawnFace]) -> None:
        """Draw and write a frame, after the sound before it."""
        picture = bgr_picture(frame.luma, frame.chroma, (frame.width, frame.height))
        drawn = av.VideoFrame.from_ndarray(draw_faces(picture, faces), format="bgr24").reformat(
            self._video.width, self._video.height, "yuv420p"
        )
        self._last_pts = max(_ticks(frame.media_time_us), self._last_pts + 1)
        self._durations[self._last_pts] = _ticks(frame.dwell_us)
        drawn.pts, drawn.time_base = self._last_pts, _TIME_BASE
        self._sound.write_until(frame.media_time_us)
        self._mux(self._video.encode(drawn))
        self._end_us = frame.media_time_us + frame.dwell_us

    def finish(self) -> None:
        """Write what the encoders still hold."""
        self._sound.write_until(self._end_us)
        self._mux(self._video.encode(None))
        self._sound.finish()

    def _mux(self, packets: "Sequence[Packet[av.VideoStream]]") -> None:
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts or 0, 0)
            self._container.mux(packet)


def _ticks(time_us: int) -> int:
    return round(Fraction(time_us, 1_000_000) / _TIME_BASE)


def _video_stream(
    container: OutputContainer, frame: SourceFrame, colours: ColourTags
) -> av.VideoStream:
    """Return the stream of a copy whose first frame this is."""
    options = {"preset": "veryfast", "crf": "20"}
    stream = container.add_stream("libx264", rate=_NOMINAL_RATE, options=options)
    # The codec needs even sides.
    stream.width, stream.height = max(frame.width & ~1, 2), max(frame.height & ~1, 2)
    stream.pix_fmt = "yuv420p"
    codec = stream.codec_context
    codec.time_base = _TIME_BASE
    codec.colorspace, codec.color_primaries = colours.colorspace, colours.primaries
    codec.color_trc, codec.color_range = colours.transfer, ColorRange.MPEG
    return stream


class _FacesByFrame:
    """The faces of a run, frame by frame; the rows are read page by page."""

    def __init__(self, engine: Engine, run_id: str) -> None:
        pages = record_pages(engine, Selection(run_ids=(run_id,)))
        self._rows: Iterator[Record] = (row for page in pages for row in page)
        self._next = next(self._rows, None)

    def at(self, frame_index: int, scale: tuple[float, float]) -> list[DrawnFace]:
        """Return the faces of a frame, in pixels of its luma plane.

        Call it with increasing frame indexes.
        """
        faces = []
        while self._next is not None and self._next.frame_index <= frame_index:
            if self._next.frame_index == frame_index and self._next.face is not None:
                faces.append(_drawn(self._next.face, scale))
            self._next = next(self._rows, None)
        return faces


def _drawn(face: FaceRecord, scale: tuple[float, float]) -> DrawnFace:
    label = face.smoothed_emotion
    return DrawnFace(
        track_id=face.track_id,
        x=face.x * scale[0],
        y=face.y * scale[1],
        w=face.w * scale[0],
        h=face.h * scale[1],
        label=label,
        # The frame's own probability: the smoothed confidence is not exported.
        confidence=getattr(face, label) if label else 0.0,
        mark=TrackMark(face.mark or TrackMark.PERSON),
    )

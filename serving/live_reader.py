"""The reader of the live sources: their status from the records, their pictures from the broker."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from analytics.now.live_status import LiveStatus, Observed, live_status, observed_state
from analytics.snapshots import in_snapshot
from broker.bus import Bus
from broker.heartbeats import Heartbeats
from broker.live_view import FaceReading, SourceView
from broker.presence import read_heartbeats
from broker.reports import SourceReport
from contracts.errors import MoodlineError
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from contracts.frame_results import TrackMark
from contracts.times import to_micros, utc_now
from contracts.zones.zone import Zones, masks_of
from records.broker_key import read_broker_key
from records.runs.content_masks import NOTHING, Covered, covered_by_runs
from serving.backend import Backend

_STATUS_EVERY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class TileFace:
    """A face on a tile. shares: probability by expression."""

    track: int
    label: str
    confidence: float
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Tile:
    """The state of one live source, as the page gets it.

    behind_s: seconds from capture to here; None, as `readings`, without a current picture.
    captured_at: when the newest frame was captured, in seconds since 1970. zones: of its picture.
    stills: still faces in it, which do not count.
    """

    name: str
    state: str
    reason: str
    since: str | None
    tags: Sequence[str]
    uri: str
    fps: float
    behind_s: float | None
    readings: tuple[TileFace, ...] | None
    captured_at: float | None
    zones: Zones = ()
    stills: int = 0


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """The live sources at one moment. pictures: JPEG by name. error: why it is incomplete."""

    tiles: Mapping[str, Tile]
    pictures: Mapping[str, bytes]
    error: str


@dataclass(slots=True)
class LiveReader:
    """Reads snapshots. Reconnects if the broker has moved to another address.

    _covered: by run, what its masks cover; only of runs whose pictures are in the broker.
    """

    backend: Backend
    _bus: Bus | None = None
    _bus_url: str = ""
    _status: Sequence[LiveStatus] = ()
    _status_at_s: float = -_STATUS_EVERY_S
    _delays: dict[str, tuple[int, float]] = field(default_factory=dict)
    _covered: dict[str, Covered] = field(default_factory=dict)

    def read(self) -> LiveSnapshot:
        """Return all tiles; without a broker, those that the records know. Blocks."""
        heartbeats: Heartbeats | None = Heartbeats()
        views, error = {}, ""
        try:
            if (bus := self._connected()) is not None:
                heartbeats = read_heartbeats(bus)
                views = SourceView.newest_of(bus, sorted(self._names() | _named(heartbeats)))
        except MoodlineError as exc:
            self.close()
            heartbeats, error = None, exc.line()
        try:
            is_due = time.monotonic() - self._status_at_s >= _STATUS_EVERY_S
            if is_due or _named(heartbeats) - self._names():  # A new source is shown at once.
                self._status = in_snapshot(self.backend.engine, live_status, heartbeats)
                self._status_at_s = time.monotonic()
        except MoodlineError as exc:
            error = exc.line()
        known = heartbeats or Heartbeats()
        by_name = {report.id: report for report in known.sources}
        tiles = {}
        for status in self._status:
            name = status.name
            if name not in by_name and status.watched_by:
                # The supervisor ended, or the broker does not answer: read the state again.
                self._status_at_s = -_STATUS_EVERY_S
            seen = Observed(status.state, status.reason, status.since)
            if (report := by_name.get(name)) is not None:  # It is newer than the status.
                seen = observed_state(report, known.held_runs, status.last_commit_at)
            tiles[name] = self._tile(status, report, views.get(name), seen)
        return LiveSnapshot(tiles, self._pictures(views), error)

    def _pictures(self, views: Mapping[str, SourceView]) -> dict[str, bytes]:
        """Return the pictures by source, without those that show what is masked now.

        A changed mask begins a run: until its first frame, the view is of the run before.
        """
        run_ids = {view.run_id for view in views.values()}
        self._covered = {one: self._covered[one] for one in run_ids if one in self._covered}
        if unknown := run_ids - self._covered.keys():
            try:
                found = in_snapshot(self.backend.engine, covered_by_runs, unknown)
            except MoodlineError:
                found = {}  # The status names the failure.
            self._covered |= found
        wanted = {one.name: _masks(one) for one in self._status}
        return {
            name: view.picture
            for name, view in views.items()
            if view.picture
            and name in wanted
            and wanted[name] in {NOTHING, self._covered.get(view.run_id, NOTHING)}
        }

    def _names(self) -> set[str]:
        return {one.name for one in self._status}

    def _tile(
        self,
        status: LiveStatus,
        report: SourceReport | None,
        view: SourceView | None,
        seen: Observed,
    ) -> Tile:
        """Return the tile. seen: the state now."""
        current = report or status
        age_s = current.last_frame_age_s
        now_us = to_micros(utc_now())
        captured_us: int | None = None
        if view is not None:
            captured_us = view.captured_at_us
        elif age_s is not None:
            # A stalled source reports its age again and again: the result must not jitter.
            captured_us = now_us - round(age_s * 10) * 100_000
            captured_us -= captured_us % 1_000_000
        return Tile(
            name=status.name,
            state=seen.state,
            reason=seen.reason,
            since=seen.since,
            tags=status.tags,
            uri=status.uri,
            fps=round(current.fps, 1),
            behind_s=self._delay_s(status.name, view, now_us),
            readings=None if view is None else _faces_that_count(view),
            captured_at=None if captured_us is None else captured_us / 1e6,
            zones=status.zones,
            stills=0 if view is None else _stills(view),
        )

    def _delay_s(self, name: str, view: SourceView | None, now_us: int) -> float | None:
        """Return the seconds from capture to the first time that the frame was read here."""
        if view is None:
            self._delays.pop(name, None)
            return None
        captured_us, delay_s = self._delays.get(name, (0, 0.0))
        if captured_us != view.captured_at_us:
            delay_s = max((now_us - view.captured_at_us) / 1e6, 0.0)
            self._delays[name] = view.captured_at_us, delay_s
        return round(delay_s, 2)

    def _connected(self) -> Bus | None:
        """Return a connection to the current broker; None if none runs. Raises BrokerError."""
        url = self.backend.broker_url()
        if url != self._bus_url:
            self.close()
        if url and self._bus is None:
            self._bus, self._bus_url = Bus.connect(url, read_broker_key(self.backend.engine)), url
        return self._bus

    def close(self) -> None:
        """Close the connection to the broker."""
        if self._bus is not None:
            self._bus.close()
        self._bus, self._bus_url = None, ""


def _masks(status: LiveStatus) -> Covered:
    """Return what the source's masks cover now."""
    masks = masks_of(status.zones)
    return (masks, status.rotate, status.mirror) if masks else NOTHING


def _named(heartbeats: Heartbeats | None) -> set[str]:
    """Return the names of the sources that have a heartbeat."""
    return set() if heartbeats is None else {report.id for report in heartbeats.sources}


def _faces_that_count(view: SourceView) -> tuple[TileFace, ...]:
    return tuple(_face(one) for one in view.readings if one.mark.counts)


def _stills(view: SourceView) -> int:
    return sum(one.mark is TrackMark.STATIC for one in view.readings)


def _face(one: FaceReading) -> TileFace:
    return TileFace(
        track=one.track_id,
        label=one.emotion or UNCERTAIN,
        confidence=one.confidence,
        shares=dict(zip(EXPRESSIONS, one.probabilities, strict=True)),
    )

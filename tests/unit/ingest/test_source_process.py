"""The process of a live source: it waits for the key of its address, and reads it again."""

from pathlib import Path

import pytest

from contracts.analysis_spec import AnalysisOptions, AnalysisSpec
from contracts.live_sources import LiveSource, LiveState
from contracts.settings import Settings
from ingest.live.supervision import process
from ingest.live.supervision.status_reports import SourceStatus
from records.sources.sealing import Sealer
from runtime.stall_guard import StallGuard


class NeverStopped:
    """A stop signal that does not come, and does not wait."""

    def wait(self, _seconds: float) -> bool:
        return False


def test_a_source_reads_its_key_again(moodline_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealer = Sealer("", moodline_home)
    uri = sealer.seal("rtsp://camera.local/live")
    key = moodline_home / "secret.key"
    right = key.read_text()
    key.write_text("another key that is long enough")
    reported: list[SourceStatus] = []

    def send(_pipe: int, status: SourceStatus) -> None:
        reported.append(status)
        key.write_text(right)

    monkeypatch.setattr(process, "send", send)
    monkeypatch.setattr(process, "_RETRY_KEY_S", 0.001)
    source = LiveSource(1, "door", uri, "rtsp://camera.local", None, 5.0, 640, (), False, False, 0)
    spec = AnalysisSpec("haar-1", "m", AnalysisOptions(0.4, None, 24, 640))
    guard = StallGuard(60.0)
    reader = process._open_reader_when_possible(
        Settings.read(),
        source,
        spec,
        guard,
        NeverStopped(),  # type: ignore[arg-type]
    )
    guard.disarm()
    assert reader is not None
    assert reported[0].state is LiveState.FAILED and "another key" in reported[0].reason

"""ReconnectPauses, and the restarts of source processes: both grow for a source that is hostile."""

from contracts.errors import DecodingLimitError, SourceError
from contracts.live_sources import LiveSource, LiveState
from ingest.live.reconnecting import ReconnectPauses
from ingest.live.supervision.supervised_source import SupervisedSource
from runtime.decoding.memory_limit import OUT_OF_MEMORY_STATUS

TOO_LARGE, AWAY = DecodingLimitError("a frame is too large"), SourceError("away")


def test_a_source_that_exceeds_a_limit_again_and_again_waits_up_to_five_minutes() -> None:
    now_s = 0.0
    pauses = ReconnectPauses(lambda: now_s)
    longest = 8.0
    for _ in range(10):
        pauses.note_frame()  # It sends good frames first, each time.
        pause_s = pauses.next_s(TOO_LARGE)
        assert longest / 2 <= pause_s <= longest
        longest = min(2 * longest, 300.0)
    assert longest == 300.0
    now_s += 601.0
    assert pauses.next_s(TOO_LARGE) <= 8.0


def test_outages_keep_their_short_pauses() -> None:
    pauses = ReconnectPauses(lambda: 0.0)
    pauses.next_s(TOO_LARGE)
    assert [pauses.next_s(AWAY) <= 8.0 for _ in range(9)] == [True] * 9
    pauses.note_frame()
    assert pauses.next_s(None) <= 0.5


def test_a_process_that_runs_out_of_memory_restarts_later_each_time() -> None:
    source = LiveSource(1, "door", "rtsp://door", "rtsp://door", None, 2.0, 64, (), False, False, 1)
    one = SupervisedSource.connecting(source)
    reasons = []
    for _ in range(7):
        one.note_death(OUT_OF_MEMORY_STATUS)
        assert not one.timer.is_due
        reasons.append(one.status.reason)
    assert one.status.state is LiveState.BACKING_OFF
    pauses_s = [int(reason.split()[-2]) for reason in reasons]
    assert all("more memory than is allowed" in reason for reason in reasons)
    assert pauses_s[0] <= 8
    assert 128 < pauses_s[-1] <= 300

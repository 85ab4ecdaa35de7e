"""RunTurn: one run's part of a worker turn, and its decoding from broker messages."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from broker.bus import Bus
from broker.dead_letters import DeadLetters
from broker.entries.stream_entries import Delivery
from contracts.chroma import decode_chroma
from contracts.errors import FrameDecodeError
from contracts.frame_results import FrameResult
from contracts.frames import End, FrameMessage, decode
from inference_worker.batch import Batch, CounterSample, DeadLetteredFrame
from inference_worker.held_runs import HeldRun, WorkerLimits
from inference_worker.metrics import WorkerMetrics
from inference_worker.store import RunStore

log = structlog.get_logger()

MAX_GAP: Final = 10_000
"""Frames of a live run that the broker can have lost at once: many times what a stream holds."""
_REWIND_S: Final = 0.2
"""Time for the producer to publish missing frames again."""


@dataclass(slots=True)
class RunTurn:
    """The messages of one run that a turn works on, and their results.

    first_seq: of the first frame that was not read before. seqs: of the frames that are committed
    and acked, dead letters included. broker_lost: live frames that are missing in the stream.
    end: the run's End message, if it came. committed: what was committed, and committed_at when,
    in seconds since 1970. has_ended: the run's end is committed. lost: why nothing was: another
    worker has taken the run.
    """

    run: HeldRun
    first_seq: int
    broker_lost: int
    frames: list[FrameMessage] = field(default_factory=list)
    dead_letters: list[DeadLetteredFrame] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    end: End | None = None
    results: list[FrameResult] = field(default_factory=list)
    committed: Batch | None = None
    committed_at: float = 0.0
    has_ended: bool = False
    lost: str = ""

    def batch(self) -> Batch:
        """Return what is to be committed. There must be at least one seq."""
        cursors = [frame.cursor for frame in self.frames if frame.cursor]
        next_seq = self.seqs[-1] + 1
        return Batch(
            next_seq=next_seq,
            results=self.results,
            dead_letters=self.dead_letters,
            samples=[CounterSample(frame.captured_at_us, frame.counters) for frame in self.frames],
            source_cursor=cursors[-1] if cursors else "",
            checkpoint=self.run.analyzer.checkpoint(),
            broker_lost=next_seq - self.first_seq - len(self.seqs),
        )


class TurnDecoder:
    """Checks a run's deliveries for gaps, decodes them, and dead-letters what cannot be analysed.

    settle: waits until all that was decoded before is committed. Raises BrokerError, DatabaseError
    and FenceLostError.
    """

    def __init__(
        self,
        bus: Bus,
        store: RunStore,
        limits: WorkerLimits,
        metrics: WorkerMetrics,
        settle: Callable[[], None],
    ) -> None:
        self._settle = settle
        self._bus = bus
        self._store = store
        self._limits = limits
        self._metrics = metrics

    def decode(
        self, run: HeldRun, deliveries: Sequence[Delivery], *, single: bool
    ) -> RunTurn | None:
        """Return the turn, or None if nothing can be analysed now.

        The frames of a recording that are missing are requested again. Those of a camera are
        gone with the broker that held them, and are counted. A live run that misses more frames
        than can be lost is ended; its source begins another one. single: count an attempt at the
        one frame; it is dead-lettered after too many.
        """
        missing = deliveries[-1].seq + 1 - run.read_seq - len(deliveries)
        if missing and not run.taken.live:
            log.warning("frames are missing", next_seq=run.read_seq)
            self._metrics.rewinds.inc()
            self._bus.request_rewind(run.run_id, run.read_seq)
            run.read_at = time.monotonic() + _REWIND_S
            return None
        if missing > MAX_GAP:
            self._give_up(run, deliveries)
            return None
        turn = RunTurn(run, run.read_seq, broker_lost=missing)
        if turn.broker_lost:
            log.warning("the broker lost frames", frames=turn.broker_lost)
        attempts = self._store.count_attempt(run.taken) if single else 0
        run.attempting = single
        for delivery in deliveries:
            self._add(turn, delivery, attempts)
        run.read_seq, run.is_read = deliveries[-1].seq + 1, turn.end is not None
        return turn

    def _give_up(self, run: HeldRun, deliveries: Sequence[Delivery]) -> None:
        self._settle()
        at = deliveries[-1].seq
        reason = f"frame {at} came after frame {run.read_seq - 1}: more than the broker can lose"
        log.error("run ended", reason=reason)
        self._store.give_up(run.taken, reason)
        run.ended = True

    def _add(self, turn: RunTurn, delivery: Delivery, attempts: int) -> None:
        run_id = turn.run.run_id
        try:
            message = decode(delivery.data)
            if (message.run_id, message.seq) != (run_id, delivery.seq):
                raise FrameDecodeError("the message belongs to another place")
        except FrameDecodeError as exc:
            self._dead_letter(turn, delivery, None, exc.line())
            return
        if isinstance(message, End):
            turn.end = message
        elif attempts > self._limits.max_attempts:
            reason = f"the worker crashed {attempts - 1} times on this frame"
            self._dead_letter(turn, delivery, message.frame_index, reason)
        else:
            if delivery.chroma:
                chroma = decode_chroma(delivery.chroma, message.width, message.height)
                message = replace(message, chroma=chroma)
            turn.seqs.append(delivery.seq)
            turn.frames.append(message)

    def _dead_letter(
        self, turn: RunTurn, delivery: Delivery, frame_index: int | None, reason: str
    ) -> None:
        log.error("frame dead-lettered", seq=delivery.seq, reason=reason)
        DeadLetters(self._bus).add(
            turn.run.run_id,
            delivery.seq,
            delivery.data,
            ttl_s=self._limits.dead_letter_ttl_s,
        )
        turn.seqs.append(delivery.seq)
        turn.dead_letters.append(DeadLetteredFrame(delivery.seq, frame_index, reason))

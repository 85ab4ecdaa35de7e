"""Frames in shared memory: a producer writes them, and workers on the same host read them there.

A frame of a recording would be copied eight times on its way through the broker. So, where one
command starts broker, producer and workers, the stream says where a frame is, signed, and the
pixels stay in memory of the producer that nobody else can open (memfd_create; see
docs/decisions/0063). The memory is freed by the kernel with the last process that uses it.
"""

import mmap
import os
import struct
from collections import OrderedDict, deque
from contextlib import suppress
from typing import Final, Self

_REFERENCE: Final = struct.Struct(">IIQQQ")
"""Process and descriptor of the memory, its inode, offset and length of the frame."""
REFERENCE_BYTES: Final = _REFERENCE.size
_MOST_RINGS: Final = 8
_PAGE: Final = mmap.PAGESIZE


class FrameRing:
    """The producer's memory for the frames of one run, reused from its start when it is full."""

    def __init__(self, size: int) -> None:
        self._size = -(-size // _PAGE) * _PAGE
        self._handle = os.memfd_create("moodline-frames", os.MFD_CLOEXEC)
        os.ftruncate(self._handle, self._size)
        self._memory = mmap.mmap(self._handle, self._size)
        self._inode = os.fstat(self._handle).st_ino
        self._kept: deque[tuple[int, int]] = deque()

    @classmethod
    def create(cls, size: int) -> Self | None:
        """Return a ring, or None if this system has no such memory, or none left."""
        if not hasattr(os, "memfd_create"):
            return None
        with suppress(OSError):
            return cls(size)
        return None

    def put(self, data: bytes) -> bytes | None:
        """Copy a frame into the ring; return its reference, or None if it does not fit now."""
        start = self._start(len(data))
        if start is None:
            return None
        self._memory[start : start + len(data)] = data
        self._kept.append((start, start + len(data)))
        return _REFERENCE.pack(os.getpid(), self._handle, self._inode, start, len(data))

    def drop_oldest(self) -> None:
        """Free the frame that was put first: nobody reads it any more."""
        self._kept.popleft()

    def drop_newest(self) -> None:
        """Free the frame that was put last: it was not published."""
        self._kept.pop()

    def close(self) -> None:
        """Give the memory up; who has opened it keeps it."""
        self._memory.close()
        os.close(self._handle)

    def _start(self, length: int) -> int | None:
        """Return where `length` free bytes begin."""
        if not self._kept:
            return 0 if length <= self._size else None
        first, last = self._kept[0][0], self._kept[-1][1]
        if last > first:  # The free bytes are behind the last frame, and before the first.
            if last + length <= self._size:
                return last
            return 0 if length < first else None
        return last if last + length < first else None


class SharedFrames:
    """A worker's view of the rings, by run. It keeps those that it read last."""

    def __init__(self) -> None:
        self._rings: OrderedDict[str, tuple[tuple[int, int, int], mmap.mmap]] = OrderedDict()

    def read(self, run_id: str, reference: bytes) -> memoryview | None:
        """Return a frame, not copied; None if its memory is gone or cannot be opened.

        reference: as `FrameRing.put` returned it; the caller has checked its signature.
        """
        pid, handle, inode, start, length = _REFERENCE.unpack(reference)
        key = pid, handle, inode
        known = self._rings.get(run_id)
        if known is None or known[0] != key:
            opened = _opened(*key)
            if opened is None:
                return None
            known = self._rings[run_id] = key, opened
            if len(self._rings) > _MOST_RINGS:
                self._rings.popitem(last=False)
        if start + length > len(known[1]):
            return None
        return memoryview(known[1])[start : start + length]

    def forget(self, run_id: str) -> None:
        """Give up the memory of a run, once no frame of it is in use."""
        self._rings.pop(run_id, None)


def _opened(pid: int, handle: int, inode: int) -> mmap.mmap | None:
    try:
        opened = os.open(f"/proc/{pid}/fd/{handle}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # The number may be that of another process by now.
        if os.fstat(opened).st_ino != inode:
            return None
        return mmap.mmap(opened, 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    finally:
        os.close(opened)

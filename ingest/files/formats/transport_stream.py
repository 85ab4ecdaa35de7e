"""ProgramPart: a piece of an MPEG transport stream in which the same video streams are sent.

Recorders and joined files change the codec, or the id of a stream, in the middle. FFmpeg goes on
with the decoder of the beginning, and leaves out streams that it did not know then. So the file is
read in parts, each with a container of its own, up to where its program tables change.
"""

import os
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from runtime.files.regular_files import open_regular

_SYNC: Final = 0x47
_TS_BYTES: Final = 188
_LAYOUTS: Final = ((188, 0), (192, 4))
"""Bytes of a packet with what precedes it (a time, on discs), and the place of its sync byte."""
_PROBED_PACKETS: Final = 5
_PAT_PID: Final = 0
_VIDEO_TYPES: Final = frozenset({0x01, 0x02, 0x10, 0x1B, 0x1E, 0x20, 0x21, 0x24, 0x33, 0x42, 0xEA})
_CRC_POLYNOMIAL: Final = 0x04C11DB7

_Video = frozenset[tuple[int, int]]


def is_transport_stream(path: Path) -> bool:
    """Return whether the file begins with packets of a transport stream. Raises OSError."""
    with open_regular(path) as file:
        return _layout(file.read(_PROBED_PACKETS * 192)) is not None


class ProgramPart:
    """The file from `begin` up to the next change of its video streams, as a file for FFmpeg.

    end: where the next part begins; None if no change was found yet. It is found while the part is
    read in order.
    """

    def __init__(self, path: Path, begin: int = 0) -> None:
        self.begin = begin
        self.end: int | None = None
        self._file: BinaryIO = open_regular(path)
        self._size = os.fstat(self._file.fileno()).st_size
        self._file.seek(begin)
        self._layout = _layout(self._file.read(_PROBED_PACKETS * 192))
        self._file.seek(begin)
        self._scanned = begin
        self._unscanned = b""
        self._tables = _ProgramTables()

    def read(self, size: int) -> bytes:
        """Return the next bytes, b"" at the end of the part. Raises OSError."""
        at = self._file.tell()
        data = self._file.read(size)
        if at <= self._scanned < at + len(data):
            self._scan(data[self._scanned - at :])
        return data if self.end is None else data[: max(self.end - at, 0)]

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a byte of the part and return its offset. Raises OSError."""
        base = {os.SEEK_SET: self.begin, os.SEEK_CUR: self._file.tell(), os.SEEK_END: self._stop}
        return self._file.seek(base[whence] + offset) - self.begin

    def tell(self) -> int:
        """Return the offset of the next byte in the part."""
        return self._file.tell() - self.begin

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def _stop(self) -> int:
        return self._size if self.end is None else self.end

    def _scan(self, data: bytes) -> None:
        """Look for a change in the next bytes that were not scanned."""
        first = self._scanned - len(self._unscanned)
        self._scanned += len(data)
        if self._layout is None or self.end is not None:
            return
        stride, sync_at = self._layout
        data = self._unscanned + data
        whole = len(data) // stride * stride
        self._unscanned = data[whole:]
        packets = np.frombuffer(data[:whole], np.uint8).reshape(-1, stride)[:, sync_at:]
        pids = (packets[:, 1].astype(np.uint16) & 0x1F) << 8 | packets[:, 2]
        begins_section = (packets[:, 0] == _SYNC) & (packets[:, 1] & 0x40 != 0)
        for index in map(int, np.flatnonzero(begins_section)):
            pid, place = int(pids[index]), first + index * stride
            if self._tables.may_be_in(pid) and self._tables.differ(
                pid, packets[index].tobytes(), place
            ):
                self.end = self._tables.begin_of_change
                return


class _ProgramTables:
    """The tables of the programs, and whether the next ones still name the same video streams.

    begin_of_change: place of the association table from which the newest tables apply.
    """

    def __init__(self) -> None:
        self.begin_of_change = 0
        self._programs: dict[int, int] | None = None
        self._video: dict[int, _Video] = {}
        self._known: dict[int, bytes] = {}

    def may_be_in(self, pid: int) -> bool:
        """Return whether packets of this id hold a table."""
        return pid == _PAT_PID or pid in (self._programs or {}).values()

    def differ(self, pid: int, packet: bytes, place: int) -> bool:
        """Return whether the table in a packet names other video streams than before."""
        if pid == _PAT_PID:
            self.begin_of_change = place
        section = _section(packet)
        if section is None or self._known.get(pid) == section:
            return False
        if not _is_intact(section):
            return False
        self._known[pid] = section
        return self._new_programs(section) if pid == _PAT_PID else self._new_video(section)

    def _new_programs(self, section: bytes) -> bool:
        entries = (section[at : at + 4] for at in range(8, len(section) - 4, 4))
        numbers = ((int.from_bytes(e[:2], "big"), int.from_bytes(e[2:], "big")) for e in entries)
        programs = {number: pid & 0x1FFF for number, pid in numbers if number}
        known, self._programs = self._programs, programs
        return known is not None and known != programs

    def _new_video(self, section: bytes) -> bool:
        program = int.from_bytes(section[3:5], "big")
        video = _video_streams(section)
        known = self._video.setdefault(program, video)
        return known != video


def _layout(data: bytes) -> tuple[int, int] | None:
    for stride, sync_at in _LAYOUTS:
        places = range(sync_at, len(data), stride)[:_PROBED_PACKETS]
        if len(places) == _PROBED_PACKETS and all(data[place] == _SYNC for place in places):
            return stride, sync_at
    return None


def _section(packet: bytes) -> bytes | None:
    """Return the table in a packet of 188 bytes; None if it does not fit into one."""
    has_payload, at = packet[3] & 0x10, 4
    if packet[3] & 0x20:
        at += 1 + packet[4]
    if not has_payload or at >= _TS_BYTES:
        return None
    at += 1 + packet[at]  # The pointer field.
    length = 3 + (int.from_bytes(packet[at + 1 : at + 3], "big") & 0x0FFF)
    section = packet[at : at + length]
    return section if len(section) == length and at + length <= _TS_BYTES else None


def _is_intact(section: bytes) -> bool:
    """Return whether the checksum is right: noise must not look like a change."""
    crc = 0xFFFFFFFF
    for byte in section:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (_CRC_POLYNOMIAL if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc == 0


def _video_streams(section: bytes) -> _Video:
    """Return the (id, type) of the video streams in a program map table."""
    at = 12 + (int.from_bytes(section[10:12], "big") & 0x0FFF)
    streams = set()
    while at + 5 <= len(section) - 4:
        if section[at] in _VIDEO_TYPES:
            streams.add((int.from_bytes(section[at + 1 : at + 3], "big") & 0x1FFF, section[at]))
        at += 5 + (int.from_bytes(section[at + 3 : at + 5], "big") & 0x0FFF)
    return frozenset(streams)

"""JpegStream: the pictures in a camera's MJPEG answer, whatever stands between them.

Cameras leave out the first boundary, or its dashes, or send one picture after the other with
nothing between. FFmpeg reads only what is well formed, so each picture becomes a well-formed part.
"""

from typing import Final, Protocol

from runtime.decoding.jpeg_data import END, START, end_of_headers

FORMAT: Final = "mpjpeg"
"""FFmpeg's name of what `read` returns."""

_MAX_PICTURE_BYTES: Final = 32 * 2**20
_READ_BYTES: Final = 65_536


class Body(Protocol):
    """The body of an HTTP answer."""

    def read(self, size: int) -> bytes: ...

    def close(self) -> None: ...


class JpegStream:
    """A file for FFmpeg with one part for each picture in the body.

    Raises ConnectionError if there is no picture in more bytes than one can have.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        self._found = bytearray()
        self._ready = bytearray()
        self._searched = self._without_picture = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes as soon as a picture is complete; b"" at the end."""
        while not self._ready:
            data = self._body.read(_READ_BYTES)
            self._found += data
            self._without_picture += len(data)
            self._take_pictures(is_over=not data)
            if not data:
                break
            if self._without_picture > _MAX_PICTURE_BYTES:
                raise ConnectionError("it sends no JPEG pictures")
        data, self._ready = bytes(self._ready[:size]), self._ready[size:]
        return data

    def close(self) -> None:
        """Close the connection."""
        self._body.close()

    def _take_pictures(self, *, is_over: bool) -> None:
        while True:
            begin = self._found.find(START)
            if begin < 0:
                del self._found[:-1]  # Half of a START may be there.
                return
            del self._found[:begin]
            end = self._end_of_picture(is_over=is_over)
            if end is None:
                return
            self._add(bytes(self._found[:end]))
            del self._found[:end]
            self._searched = 0

    def _end_of_picture(self, *, is_over: bool) -> int | None:
        """Return where the first picture ends; None if more has to be read."""
        try:
            scan = end_of_headers(bytes(self._found)) if not self._searched else self._searched
        except ValueError:
            return len(START)  # It only looked like a picture.
        if scan is None:
            return len(self._found) if is_over else None
        # Within a scan, neither can occur by chance.
        end, following = self._found.find(END, scan), self._found.find(START, scan)
        if end >= 0 and (following < 0 or end < following):
            return end + len(END)
        if following >= 0:
            return following
        self._searched = max(scan, len(self._found) - 1)
        return len(self._found) if is_over else None

    def _add(self, picture: bytes) -> None:
        if len(picture) <= len(START):
            return
        self._without_picture = 0
        head = f"--part\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
        self._ready += head.encode() + picture + b"\r\n"

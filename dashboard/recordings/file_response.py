"""OpenFileResponse: the bytes of a file that is open already."""

import os

from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from serving.services import MediaFile


class OpenFileResponse(FileResponse):
    """A response with an open file, which it closes; ranges of bytes may be requested.

    The file is the one that was checked, also if another one has its name meanwhile.
    """

    def __init__(self, media: MediaFile, filename: str | None = None) -> None:
        """filename: the name of a download; None to show the file in the page."""
        self._file = media.file
        descriptor = media.file.fileno()
        super().__init__(
            f"/dev/fd/{descriptor}",
            media_type=media.media_type,
            filename=filename,
            stat_result=os.fstat(descriptor),
            content_disposition_type="attachment" if filename else "inline",
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await super().__call__(scope, receive, send)

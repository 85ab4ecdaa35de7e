"""The room that uploads may take: quotas, unfinished uploads, and free space on the disk."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from contracts.errors import DiskFullError, MoodlineError, UploadError
from records.uploads.stored import StoredUpload
from runtime.files.free_space import FreeSpace

_MAX_UNFINISHED: Final = 20
_DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Room:
    """The limits of uploads.

    space: what must stay free on the disk. quota_bytes, user_quota_bytes: the most bytes of all
    uploads, and of those of one user; 0 for no limit.
    """

    space: FreeSpace = field(default_factory=FreeSpace)
    quota_bytes: int = 0
    user_quota_bytes: int = 0

    def require(
        self, folder: Path, known: Sequence[StoredUpload], name: str, size: int, owner: str
    ) -> None:
        """Check that an upload of `size` bytes may start beside the known ones.

        The announced size of an unfinished upload is reserved. Raises UploadError if the owner has
        too many unfinished ones, and DiskFullError over a quota or without space.
        """
        unfinished = [one for one in known if one.is_unfinished]
        if sum(one.owner == owner for one in unfinished) >= _MAX_UNFINISHED:
            raise UploadError(
                f"there are {_MAX_UNFINISHED} unfinished uploads already",
                hint="Wait until one is complete, or remove one",
            )
        own = [one for one in known if one.owner == owner]
        _require_quota(own, size, self.user_quota_bytes, "your uploads")
        _require_quota(known, size, self.quota_bytes, "all uploads")
        reserved = sum(one.size - one.received for one in unfinished)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.space.require(folder, reserved + size, name)
        except OSError as exc:
            raise write_error("the folder of uploads", exc) from exc


def write_error(target: str, cause: OSError) -> MoodlineError:
    """Return the error of a failed write to `target`: DiskFullError or UploadError."""
    kind = DiskFullError if cause.errno in _DISK_FULL else UploadError
    return kind(f"cannot write to {target}: {cause.strerror}")


def _require_quota(uploads: Sequence[StoredUpload], size: int, quota: int, whose: str) -> None:
    used = sum(one.size for one in uploads)
    if quota and used + size > quota:
        raise DiskFullError(
            f"{whose} have {used / 1e9:.1f} of {quota / 1e9:.1f} GB",
            hint="Remove an upload, or raise the quota (MOODLINE_USER_UPLOAD_QUOTA_GB, "
            "MOODLINE_UPLOAD_QUOTA_GB)",
        )

"""The actions that the audit records, and the kinds by which it is filtered."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The kinds of entries, by which the audit is filtered."""

    SIGN_IN = "sign-in"
    USER = "user"
    SOURCE = "source"
    RECORDING = "recording"
    VIEW = "view"
    EXPORT = "export"
    ERASURE = "erasure"
    SCHEDULE = "schedule"
    ALERT = "alert"


class Action(StrEnum):
    """An action, as `audit.action` stores it."""

    SIGNED_IN = "signed in"
    SIGN_IN_FAILED = "sign-in failed"
    SIGN_IN_REFUSED = "sign-in refused"
    SIGNED_OUT = "signed out"
    USER_ADDED = "user added"
    USER_REMOVED = "user removed"
    PASSWORD_SET = "password set"  # noqa: S105
    ROLE_SET = "role set"
    SECOND_FACTOR_ADDED = "second factor added"
    SECOND_FACTOR_REMOVED = "second factor removed"
    TOKEN_ADDED = "token added"  # noqa: S105
    TOKEN_REVOKED = "token revoked"  # noqa: S105
    SOURCE_ADDED = "source added"
    SOURCE_EDITED = "source edited"
    SOURCE_PAUSED = "source paused"
    SOURCE_RESUMED = "source resumed"
    SOURCE_REMOVED = "source removed"
    SOURCE_RENAMED = "source renamed"
    PLACE_ALLOWED = "camera on this host allowed"
    PLACE_REFUSED = "camera on this host no longer allowed"
    ZONES_CHANGED = "zones changed"
    MASKS_CHANGED = "privacy masks changed"
    UPLOADED = "recording uploaded"
    UPLOAD_DELETED = "upload deleted"
    FOLDER_QUEUED = "recordings queued"
    RUN_CANCELLED = "run cancelled"
    RUN_RETRIED = "run retried"
    RUN_REPEATED = "analysed again"
    TIME_SET = "recorded time set"
    COPY_DRAWN = "annotated copy drawn"
    COPY_DELETED = "annotated copy deleted"
    RECORDING_OPENED = "recording opened"
    COPY_OPENED = "annotated copy opened"
    LIVE_VIEW_OPENED = "live view opened"
    EXPORTED = "exported"
    ERASED = "erase"
    RUN_DELETED = "run deleted"
    MARKER_ADDED = "marker added"
    MARKER_REMOVED = "marker removed"
    FOLDER_ADDED = "folder added"
    FOLDER_REMOVED = "folder removed"
    FOLDER_EDITED = "folder edited"
    RETENTION_SET = "retention set"
    ALERT_ADDED = "alert rule added"
    ALERT_EDITED = "alert rule edited"
    ALERT_REMOVED = "alert rule removed"
    ALERT_MUTED = "alert rule muted"
    ALERT_ACKNOWLEDGED = "alert acknowledged"
    TARGET_ADDED = "alert target added"
    TARGET_CHANGED = "alert target changed"
    TARGET_REMOVED = "alert target removed"
    TARGET_TESTED = "alert target tested"
    DELIVERY_REPLAYED = "alert delivered again"
    VIEW_SHARED = "view of Trends shared"
    VIEW_UNSHARED = "view of Trends no longer shared"


ACTIONS: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.SIGN_IN: frozenset(
        {Action.SIGNED_IN, Action.SIGN_IN_FAILED, Action.SIGN_IN_REFUSED, Action.SIGNED_OUT}
    ),
    Kind.SOURCE: frozenset(
        {
            Action.SOURCE_ADDED,
            Action.SOURCE_EDITED,
            Action.SOURCE_PAUSED,
            Action.SOURCE_RESUMED,
            Action.SOURCE_REMOVED,
            Action.SOURCE_RENAMED,
            Action.PLACE_ALLOWED,
            Action.PLACE_REFUSED,
            Action.ZONES_CHANGED,
            Action.MASKS_CHANGED,
            Action.MARKER_ADDED,
            Action.MARKER_REMOVED,
        }
    ),
    Kind.RECORDING: frozenset(
        {
            Action.UPLOADED,
            Action.UPLOAD_DELETED,
            Action.FOLDER_QUEUED,
            Action.RUN_CANCELLED,
            Action.RUN_RETRIED,
            Action.RUN_REPEATED,
            Action.TIME_SET,
            Action.COPY_DRAWN,
            Action.COPY_DELETED,
        }
    ),
    Kind.VIEW: frozenset({Action.RECORDING_OPENED, Action.COPY_OPENED, Action.LIVE_VIEW_OPENED}),
    Kind.EXPORT: frozenset({Action.EXPORTED}),
    Kind.ERASURE: frozenset({Action.ERASED, Action.RUN_DELETED}),
    Kind.SCHEDULE: frozenset(
        {Action.FOLDER_ADDED, Action.FOLDER_EDITED, Action.FOLDER_REMOVED, Action.RETENTION_SET}
    ),
    Kind.ALERT: frozenset(
        {
            Action.ALERT_ADDED,
            Action.ALERT_EDITED,
            Action.ALERT_REMOVED,
            Action.ALERT_MUTED,
            Action.ALERT_ACKNOWLEDGED,
            Action.TARGET_ADDED,
            Action.TARGET_CHANGED,
            Action.TARGET_REMOVED,
            Action.TARGET_TESTED,
            Action.DELIVERY_REPLAYED,
        }
    ),
}
"""The actions of each kind but USER, to which all others belong."""

"""The one error tree. The message is what happened; `hint` is what the user can do.

An error that moodline raises on purpose for a user or a caller to handle is defined here.
"""

from collections.abc import Sequence


class MoodlineError(Exception):
    """Raised when moodline knows the cause. Shown as one line, never as a traceback."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def line(self) -> str:
        """Return the message, followed by the hint if there is one."""
        return f"{self}. {self.hint}" if self.hint else str(self)


# Settings and messages


class SettingsError(MoodlineError):
    """Raised when a setting is missing, unknown or out of bounds."""


class AlertError(SettingsError):
    """Raised when a rule or a target of alerts is not valid. field: the name of the wrong one."""

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field

    def line(self) -> str:
        """Return the field, the message, and the hint if there is one."""
        line = MoodlineError.line(self)
        return f"{self.field}: {line}" if self.field else line


class AlertNameTakenError(AlertError):
    """Raised when another rule or target has the name."""


class AlertNotFoundError(AlertError):
    """Raised when no rule or target has the name, or no alert the number."""


class ConfigFileError(MoodlineError):
    """Raised when a file of `moodline apply` is wrong. The message begins with file and line."""


class RiskError(MoodlineError):
    """Raised when a check finds that moodline works, and that something should be changed."""


class FrameDecodeError(MoodlineError):
    """Raised when a message's bytes are not a valid frame or end message of this version."""


# Sources


class SourceError(MoodlineError):
    """Raised when a source cannot be opened, or yields nothing that can be analysed.

    detail: the cause, for the log and the command line. Who may add sources in a form must not
    learn from it which ports of other hosts are open.
    """

    def __init__(self, message: str, *, hint: str = "", detail: str = "") -> None:
        super().__init__(message, hint=hint)
        self.detail = detail

    def detailed_line(self) -> str:
        """Return the line, followed by the cause if it is known."""
        return f"{self.line()} ({self.detail})" if self.detail else self.line()


class RtspError(MoodlineError):
    """Raised when a peer sends something that is not RTSP, or more than is allowed."""


class RedirectedError(MoodlineError):
    """Raised when an RTSP server redirects. location: as it said."""

    def __init__(self, location: str) -> None:
        super().__init__("the server redirects")
        self.location = location


class CredentialsRefusedError(SourceError):
    """Raised when a source refuses the credentials. Soon trying again could lock the account."""


class OwnHostError(SourceError):
    """Raised when an address leads to this host, which an administrator may allow.

    place: host and port, as `str(HostPort)`; "" if the port is not known.
    """

    def __init__(self, message: str, *, hint: str = "", place: str = "") -> None:
        super().__init__(message, hint=hint)
        self.place = place


class DecodingLimitError(SourceError):
    """Raised when a source's frames are larger, or need more memory, than the settings allow."""


class ZoneError(SourceError):
    """Raised when a zone is not a polygon inside the picture, or there are too many of them."""


class SourceNameTakenError(SourceError):
    """Raised when another source has the name."""


class SourceNotFoundError(MoodlineError):
    """Raised when no live source has the requested name."""


class UploadError(MoodlineError):
    """Raised when an upload is too large, not a video, or continued at the wrong offset."""


class DiskFullError(MoodlineError):
    """Raised when a file would take the last free space of a disk, or more than a quota."""


class ImageError(MoodlineError):
    """Raised when a file is not an image, or is a larger image than is allowed."""


# Broker and database


class BrokerError(MoodlineError):
    """Raised when the broker cannot be reached, or refuses a request."""


class StreamLostError(BrokerError):
    """Raised when a run's stream is gone from the broker and must be published again."""


class FrameNumberUsedError(BrokerError):
    """Raised when the next frame number of a live run is used already.

    Either an earlier attempt of this process used it, or another process ended the run.
    """


class MqttError(MoodlineError):
    """Raised when an MQTT broker cannot be reached, or does not acknowledge a message."""


class DatabaseError(MoodlineError):
    """Raised when the database cannot be reached, or has another version's schema."""


# Runs and exports


class RunNotFoundError(MoodlineError):
    """Raised when no run has the requested id."""


class RunBusyError(MoodlineError):
    """Raised when a run cannot be deleted because a living process works on it."""


class FenceLostError(MoodlineError):
    """Raised when another worker took over the run: drop its state and acknowledge nothing."""


class RunLostError(MoodlineError):
    """Raised when another process took over the live run: nothing more can be published."""


class ExportError(MoodlineError):
    """Raised when an export cannot be written."""


class ExportNotFoundError(ExportError):
    """Raised when no export has the requested id."""


# Users and the dashboard


class UserError(MoodlineError):
    """Raised when a user cannot be added, changed or found."""


class ViewError(MoodlineError):
    """Raised when a view of Trends cannot be saved, changed or found."""


class TokenError(MoodlineError):
    """Raised when a token of the API cannot be made or revoked."""


class ApiError(MoodlineError):
    """Raised when a program's request cannot be answered.

    name: of the problem, as `api.conventions.problems` lists them. errors: the invalid parts of the
    request, as pairs of a place and what is wrong with it.
    """

    def __init__(
        self, name: str, message: str, *, hint: str = "", errors: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.name = name
        self.errors = errors


class RequestInProgressError(MoodlineError):
    """Raised when the same request, with the same idempotency key, is being carried out."""


class RequestKeyReusedError(MoodlineError):
    """Raised when another request has the same idempotency key."""


class MarkerError(MoodlineError):
    """Raised when a marker is not valid."""


class MarkerNotFoundError(MarkerError):
    """Raised when no marker has the requested id."""


class NotAllowedError(MoodlineError):
    """Raised when the user's role does not allow the request."""


class FeatureUnavailableError(MoodlineError):
    """Raised when the dashboard was started without the part that serves the request."""


class ServerBusyError(MoodlineError):
    """Raised when the dashboard cannot take another request of this kind now."""


class TooManyRequestsError(ServerBusyError):
    """Raised when a user has as many requests of one kind as a user may have."""


class TooManyViewersError(ServerBusyError):
    """Raised when the page Now has its largest number of viewers."""


# Models and training


class ModelError(MoodlineError):
    """Raised when a model artifact is missing, damaged or incompatible."""


class RecoveryError(ModelError):
    """Raised when an artifact is not a float one of the network that its card describes."""


class FaceWeightsError(ModelError):
    """Raised when a file does not contain the weights of the expected face network."""


class TrainingRunError(ModelError):
    """Raised when a training run has no finished epoch, or its model cannot be exported."""


class TeacherAnswersError(ModelError):
    """Raised when a file does not contain a teacher's answers for the faces to train on."""


class TrainingConfigError(MoodlineError):
    """Raised when a training config is unreadable, or has an unknown setting."""


class DatasetError(MoodlineError):
    """Raised when a data set has a wrong layout, a corrupt image or a missing class."""

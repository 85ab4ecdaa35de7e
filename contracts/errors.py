"""One error tree. Each error says what happened; `hint` says what its reader can do."""


class MoodlineError(Exception):
    """Raised when moodline can name the cause; shown as one line, never as a traceback."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def line(self) -> str:
        """The message and, where there is one, what to do about it."""
        return f"{self}. {self.hint}" if self.hint else str(self)


class FrameDecodeError(MoodlineError):
    """Raised when the bytes of a message are not a frame or an end of this version."""


class SettingsError(MoodlineError):
    """Raised when a setting is missing, unknown or out of bounds."""


class SourceError(MoodlineError):
    """Raised when a source cannot be opened, or yields nothing that can be analysed."""


class RefusedError(SourceError):
    """Raised when a source wants other credentials: trying again soon may lock it."""


class SourceNotFoundError(MoodlineError):
    """Raised when no live source has the name that was asked for."""


class BrokerError(MoodlineError):
    """Raised when the broker cannot be reached, or refuses what is asked of it."""


class StreamLostError(BrokerError):
    """Raised when a run's stream is gone from the broker and has to be published again."""


class NumberUsedError(BrokerError):
    """Raised when a live run's next number is used: by a try of ours, or by who ended the run."""


class DatabaseError(MoodlineError):
    """Raised when the database cannot be reached, or its schema is not this version's."""


class FenceLostError(MoodlineError):
    """Raised when another worker took the run: the holder drops its state and acks nothing."""


class ModelError(MoodlineError):
    """Raised when a model artifact is missing, damaged or at odds with the contracts."""


class RunNotFoundError(MoodlineError):
    """Raised when no run has the id that was asked for."""


class RunBusyError(MoodlineError):
    """Raised when a run cannot be deleted because a living process works on it."""


class ExportError(MoodlineError):
    """Raised when an export cannot be written."""

"""Sentences about runs and recordings."""

from typing import Final

from dashboard.language.words import N_

MESSAGES: Final = (
    N_("angry"),
    N_("disgust"),
    N_("fear"),
    N_("happy"),
    N_("sad"),
    N_("surprise"),
    N_("neutral"),
    N_("uncertain"),
    N_("Mostly {label} ({share} of {seconds} person-seconds)"),
    N_("Most often {label} ({share} of {seconds} person-seconds)"),
    N_(
        "Mostly uncertain ({share} of {seconds} person-seconds), so the "
        "expressions are mostly unknown"
    ),
    N_(
        "Most often uncertain ({share} of {seconds} person-seconds), so the "
        "expressions are mostly unknown"
    ),
    N_("{share} uncertain"),
    N_("{share} of the recording was analysed"),
    N_("{share} of the time was analysed"),
    N_("under {share}"),
    N_("over {share}"),
    N_("the times of the expressions were removed"),
    N_("No frame was analysed"),
    N_("No person was found"),
    N_("No face was found"),
    N_("The rows of this run were removed, so its expressions are not known"),
    N_("1 face ({found}) at a single moment, so there are no person-seconds"),
    N_("{count} faces ({found}) at a single moment, so there are no person-seconds"),
    N_("The run has not begun."),
    N_("The run is not finished: these are its numbers so far."),
    N_("The run failed before its end."),
    N_("The run was cancelled before its end."),
    N_("Left out: {what}."),
    N_("{faces} still faces in {tracks} tracks (pictures, or people who do not move)"),
    N_("Faces were found only turned by {degrees} degrees: try --rotate {rotate}."),
    N_("unknown"),
    N_("as given"),
    N_("set by hand"),
    N_("from the file's name"),
    N_("from the file's header"),
    N_("the end in the file's header, less the duration"),
    N_("from the file's modification time"),
    N_("the file's modification time, less the duration"),
    N_("from the host's clock"),
    N_("of unknown origin"),
    N_("{origin}; in the future when it was analysed: check the clock, or give --recorded-at"),
    N_("The face is turned away too far."),
    N_("The face is too small or too blurred."),
    N_("No expression reaches a confidence of {share}."),
    N_("yesterday"),
    N_("the day before"),
    N_("last week"),
    N_("the {count} days before"),
    N_("the {length} before"),
    N_("time"),
    N_("week"),
    N_("day"),
    N_("hour"),
    N_("{count} weeks"),
    N_("{count} days"),
    N_("{count} hours"),
    N_("the same weekday a week before"),
    N_("the same weekday {length} before"),
)

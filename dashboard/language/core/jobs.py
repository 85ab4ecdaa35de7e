"""Results of the scheduler's jobs, and why one did not end or waits."""

from typing import Final

from dashboard.language.words import N_

MESSAGES: Final = (
    N_("{count} minute folded"),
    N_("{count} minutes folded"),
    N_("removed {rows}, {lines} of the audit"),
    N_("{faces} faces, {frames} frames, {rollups} rollups, {states} source states"),
    N_("{count} line"),
    N_("{count} lines"),
    N_("freed disk space, deleted {runs}"),
    N_("{count} job run"),
    N_("{count} job runs"),
    N_("deleted {uploads} and {videos}"),
    N_("{count} upload"),
    N_("{count} uploads"),
    N_("{count} annotated video"),
    N_("{count} annotated videos"),
    N_("{count} event"),
    N_("{count} events"),
    N_("{messages} delivered, {failures} failed"),
    N_("{count} message"),
    N_("{count} messages"),
    N_("{count} recordings, nothing new"),
    N_("{queued} queued, {growing} still growing"),
    N_("{result}, {count} refused: {reason}"),
    N_("healthy"),
    N_("running since {time}"),
    N_("did not end: its scheduler was killed"),
    N_("waits: the clock was set, or no scheduler ran for more than a day"),
    N_("degraded: {problem}"),
    N_("down: {problem}"),
    N_("See `moodline status`"),
)

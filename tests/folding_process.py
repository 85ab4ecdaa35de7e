"""A scheduler that folds rollups a few minutes at a time, which may die at it: URL [FAILPOINT]."""

import sys
import time

from analytics.history.rollups import fold
from analytics.scheduler import Job, Scheduler, every
from records.database import open_engine
from runtime.failpoints import arm
from runtime.process_identity import claimant_name


def main() -> None:
    """Folds until it is stopped."""
    engine = open_engine(sys.argv[1])
    for failpoint in sys.argv[2:]:
        arm(failpoint)

    def fold_some() -> str:
        while fold(engine, limit=4):
            pass
        return "folded"

    jobs = [Job("rollups", every(1), fold_some)]
    scheduler = Scheduler(engine, lambda: jobs, holder=claimant_name(), lease_s=2)
    while True:
        scheduler.step()
        time.sleep(0.2)


if __name__ == "__main__":
    main()

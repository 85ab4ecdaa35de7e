"""A scheduler that rolls up four minutes at a time. Arguments: DATABASE_URL [FAILPOINT ...]."""

import sys
import time

from analytics.history.rollups import roll_up
from analytics.scheduling.scheduler import Job, Scheduler
from analytics.scheduling.times import every
from records.database import open_engine
from runtime.failpoints import arm
from runtime.process_identity import claimant_name


def main() -> None:
    """Roll up until the process is stopped or killed."""
    engine = open_engine(sys.argv[1])
    for failpoint in sys.argv[2:]:
        arm(failpoint)

    def roll_up_all_minutes() -> str:
        while roll_up(engine, limit=4):
            pass
        return "rolled up"

    jobs = [Job("rollups", every(1), roll_up_all_minutes)]
    scheduler = Scheduler(engine, lambda: jobs, holder=claimant_name(), lease_s=2)
    while True:
        scheduler.step()
        time.sleep(0.2)


if __name__ == "__main__":
    main()

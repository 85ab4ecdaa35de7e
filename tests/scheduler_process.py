"""A scheduler with a job that is due every second. Arguments: DATABASE_URL OUTPUT_FILE."""

import sys
import time
from pathlib import Path

from analytics.scheduling.scheduler import Job, Scheduler
from analytics.scheduling.times import every
from records.database import open_engine
from runtime.process_identity import claimant_name


def main() -> None:
    """Append the scheduler's name to the output file at each run of the job."""
    url, out = sys.argv[1], Path(sys.argv[2])
    name = claimant_name()

    def tick() -> str:
        with out.open("a") as file:
            file.write(f"{name}\n")
        return "ticked"

    engine = open_engine(url)
    jobs = [Job("tick", every(1), tick)]
    scheduler = Scheduler(engine, lambda: jobs, holder=name, lease_s=5)
    while True:
        scheduler.step()
        time.sleep(0.5)


if __name__ == "__main__":
    main()

"""A scheduler with a job each second, which a test may kill: DATABASE_URL OUT."""

import sys
import time
from pathlib import Path

from analytics.scheduler import Job, Scheduler, every
from records.database import open_engine
from runtime.process_identity import claimant_name


def main() -> None:
    """Each run of the job is a line in OUT."""
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

"""One evaluation of all rules, in a process that a failpoint may kill: URL NOW [FAILPOINT]."""

import sys
from datetime import datetime

from analytics.alerts.round import run_round
from records.database import open_engine
from runtime.failpoints import arm
from tests.alerts import no_measures


def main() -> None:
    """Evaluate once."""
    url, now, *failpoints = sys.argv[1:]
    for failpoint in failpoints:
        arm(failpoint)
    engine = open_engine(url)
    run_round(engine, no_measures, datetime.fromisoformat(now))
    engine.dispose()


if __name__ == "__main__":
    main()

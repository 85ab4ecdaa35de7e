"""Faults of one camera under `moodline up` are shown, with their reason, and recovered from.

The other source keeps its run and loses no frame. How soon, `python -m benchmarks camera-faults`
measures.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from records.database import reading
from records.tables.runs import Run
from tests.cameras import Mode
from tests.e2e.commands import poll
from tests.e2e.fault_site import (
    FAULTS,
    Site,
    change_a_source,
    four_more,
    running_site,
    seconds_until,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def site(long_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(long_clip, tmp_path_factory.mktemp("faults")) as one:
        yield one


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_shown_and_recovered_without_loss_at_the_other_source(
    site: Site, name: str
) -> None:
    before, fault = site.undisturbed(), FAULTS[name]
    with fault.make(site):
        shown_s = seconds_until(lambda: fault.is_shown(site))
        assert "s3cret" not in site.status()["reason"]
    back_s = seconds_until(lambda: site.status()["state"] == "streaming")
    print(f"{name}: shown after {shown_s:.1f} s, back after {back_s:.1f} s")
    poll(lambda: site.stack.makes_progress("door", "hall"))
    assert site.undisturbed() == before


def test_spoiled_packets_are_counted_as_corrupt(site: Site) -> None:
    before = site.undisturbed()

    def corrupt() -> int:
        return int(site.status()["dropped"].get("corrupt", 0))

    begin = corrupt()
    site.proxy.set(Mode.SPOIL)
    poll(lambda: corrupt() > begin)
    site.proxy.set(Mode.PASS)
    poll(lambda: site.stack.makes_progress("door", "hall"))
    assert site.undisturbed() == before


def test_a_change_of_resolution_continues_the_run(site: Site) -> None:
    before = site.status()["run_id"]
    with site.elsewhere(f"http://127.0.0.1:{site.http_port}/door"):
        poll(
            lambda: (
                site.status()["run_id"] not in ("", before) and site.stack.makes_progress("door")
            )
        )
        run_id = site.status()["run_id"]

        def width() -> int | None:
            with reading(site.stack.engine) as connection:
                query = select(Run.display_width).where(Run.run_id == run_id)
                return connection.execute(query).scalar()

        poll(lambda: width() == 64)
        site.is_larger.set()
        poll(lambda: width() == 128)
        poll(lambda: site.stack.makes_progress("door"))
        assert (site.status()["run_id"], site.status()["state"]) == (run_id, "streaming")
    poll(lambda: site.stack.makes_progress("door"))


def test_changes_of_sources_take_effect_and_disturb_no_other(site: Site) -> None:
    with four_more(site):
        before = site.undisturbed()
        print("seconds until effective:", change_a_source(site))
    assert site.undisturbed() == before


def test_a_hanging_supervisor_is_shown_as_dead(site: Site) -> None:
    assert site.stack.process is not None
    site.stack.process.send_signal(signal.SIGSTOP)
    try:
        poll(lambda: site.status("hall")["state"] == "dead")
    finally:
        site.stack.process.send_signal(signal.SIGCONT)
    poll(lambda: site.stack.makes_progress("door", "hall"))

"""The garbage collector of a service."""

import gc
from collections.abc import Iterator

import pytest

from runtime.processes.garbage import collector_off, spare_loaded_objects


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds, was_on = gc.get_threshold(), gc.isenabled()
    yield
    gc.set_threshold(*thresholds)
    (gc.enable if was_on else gc.disable)()


def test_the_collector_is_off_during_imports_and_as_before_after_them() -> None:
    for switch, was_on in ((gc.enable, True), (gc.disable, False)):
        switch()
        with pytest.raises(ImportError), collector_off():
            assert not gc.isenabled()
            raise ImportError
        assert gc.isenabled() is was_on


def test_what_is_loaded_is_not_looked_at_again() -> None:
    loaded = [[number] for number in range(1000)]
    spare_loaded_objects()
    looked_at = {id(one) for one in gc.get_objects()}
    assert not looked_at & {id(one) for one in loaded}
    later: list[object] = []
    assert any(one is later for one in gc.get_objects())


def test_garbage_of_later_is_collected() -> None:
    spare_loaded_objects()
    later: list[object] = []
    later.append(later)
    del later
    assert gc.collect() > 0

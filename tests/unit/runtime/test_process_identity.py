"""Whose claims are valid: processes are looked up only where their numbers mean something."""

from datetime import timedelta

import pytest

from contracts.times import utc_now
from runtime import process_identity
from runtime.process_identity import claim_is_alive, claimant_name, is_running_here


def test_a_claim_of_another_pid_namespace_is_valid_until_it_expires(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a container with the same host name, whose process has a number that is free here."""
    later = utc_now() + timedelta(seconds=60)
    host = claimant_name().rsplit(":", 2)[0]
    assert claim_is_alive(f"{host}:999999999:1@4026532999", later)
    assert not claim_is_alive(f"{host}:999999999:1@4026532999", utc_now())
    assert not is_running_here(f"{host}:999999999:1@4026532999")

    monkeypatch.setattr(process_identity, "_namespace", lambda: "@4026532999")
    assert not claim_is_alive(f"{host}:999999999:1@4026532999", later)
    assert claimant_name().endswith("@4026532999")
    assert is_running_here(claimant_name())
    assert claim_is_alive(f"{host}:999999999:1", later)


def test_a_claim_of_a_dead_process_of_this_host_is_not_valid() -> None:
    later = utc_now() + timedelta(seconds=60)
    me = claimant_name()
    host, pid, start = me.rsplit(":", 2)
    assert claim_is_alive(me, later)
    assert not claim_is_alive(f"{host}:{pid}:1{start}", later)
    assert claim_is_alive("another-host:1:1", later)

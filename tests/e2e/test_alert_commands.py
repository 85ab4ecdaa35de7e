"""`moodline alert`, as a user types it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.e2e.commands import Installation, assert_plain_failure
from tests.webhook_receiver import Receiver, webhook_receiver


def with_a_month(folder: Path, month_database: Path) -> Installation:
    home = folder / "home"
    home.mkdir(mode=0o700)
    database = home / "moodline.db"
    shutil.copyfile(month_database, database)
    database.chmod(0o600)
    return Installation(home)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, month_database: Path) -> Installation:
    return with_a_month(tmp_path_factory.mktemp("alerts"), month_database)


def test_a_rule_is_added_shown_muted_and_removed(tmp_path: Path, month_database: Path) -> None:
    installation = with_a_month(tmp_path, month_database)
    options = ["--when", "people > 3", "--for", "10m", "--source", "café", "--cooldown", "1h"]
    tried = installation.run("alert", "add", "Crowd", *options, "--dry-run")
    assert re.search(r"would have fired \d+ times", tried.stdout), tried.stderr
    assert "No rules yet" in installation.run("alert", "list").stdout
    added = installation.run("alert", "add", "Crowd", *options)
    assert "Crowd is watched" in added.stdout and "café (generated)" in added.stdout
    assert "people in view above 3" in installation.run("alert", "list").stdout
    installation.run("alert", "edit", "Crowd", "--severity", "critical", "--clears-at", "2")
    shown = json.loads(installation.run("alert", "show", "Crowd", "--json").stdout)
    assert (shown["when"], shown["for"], shown["cooldown"]) == ("people > 3", "10m", "1h")
    assert (shown["severity"], shown["clears_at"], shown["open"]) == ("critical", "2", 0)
    assert shown["preview"]["firings"] == sum(
        len(one["firings"]) for one in shown["preview"]["sources"]
    )
    assert "is muted until" in installation.run("alert", "mute", "Crowd", "--for", "2h").stdout
    assert "is not muted" in installation.run("alert", "mute", "Crowd", "--end").stdout
    assert "was removed" in installation.run("alert", "remove", "Crowd").stdout
    assert "Nothing was said" in installation.run("alert", "history").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "x", "--when", "angry > 30"), "error: when: 30 is not a share. Use 30% or 0.3"),
        (("add", "x", "--when", "people > 3", "--source", "hall"), "no source 'hall'"),
        (("add", "x", "--when", "people > 3", "--to", "phone"), "no target 'phone'"),
        (("show", "x"), "there is no rule 'x'. `moodline alert list`"),
        (("test", "x"), "there is no rule 'x'"),
        (("mute", "x", "--for", "soon"), "invalid duration 'soon' for --for"),
        (("target", "add", "x", "gopher"), "url: it is not an Apprise URL"),
        (("target", "add", "x", "http://127.0.0.1/"), "--private"),
        (("target", "test", "x"), "there is no target 'x'"),
        (("ack", "7"), "there is no alert 7"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(
    installation: Installation, arguments: tuple[str, ...], said: str
) -> None:
    done = installation.run("alert", *arguments)
    assert_plain_failure(done)
    assert said in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_webhook_is_tested_and_what_failed_is_delivered_again(
    installation: Installation,
) -> None:
    with webhook_receiver(Receiver()) as receiver:
        added = installation.run("alert", "target", "add", "hook", receiver.url, "--private")
        secret = added.stdout.split()[-1]
        tried = installation.run("alert", "target", "test", "hook")
        assert "hook: delivered (HTTP status 204)." in tried.stdout
        receiver.statuses = [500]
        failed = installation.run("alert", "target", "test", "hook")
        assert_plain_failure(failed)
        assert "hook: HTTP status 500" in failed.stderr
        again = installation.run("alert", "target", "replay", "hook", "--last", "1h")
        assert "1 message will be delivered" in again.stdout
        installation.run("alert", "add", "Disk", "--when", "disk < 5GB", "--to", "hook")
        assert "hook: delivered" in installation.run("alert", "test", "Disk").stdout
        assert receiver.all_signed(secret)
        first, failed_id, repeated, last = receiver.ids
        assert failed_id == repeated and len({first, repeated, last}) == 3
    listed = json.loads(installation.run("alert", "target", "list", "--json").stdout)["targets"]
    assert (listed[0]["waiting"], listed[0]["failed"]) == (0, 0)
    deliveries = installation.run("alert", "target", "deliveries", "hook", "--json").stdout
    assert {one["state"] for one in json.loads(deliveries)["deliveries"]} == {"delivered"}
    removed = installation.run("alert", "target", "remove", "hook")
    assert removed.returncode == 0

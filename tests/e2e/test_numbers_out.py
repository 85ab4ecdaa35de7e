"""The page "Numbers out in ten minutes": each of its commands, as it stands there."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.times import utc_now
from tests.e2e.commands import poll
from tests.home_assistant import accepted_device, accepted_values
from tests.mqtt_broker import MqttBroker, MqttListener
from tests.requirements import lacking
from tests.rtsp import RtspCamera, free_ports
from tests.webhook_receiver import Receiver, webhook_receiver

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "numbers-out.md").read_text(), re.DOTALL)
OWN = ["CAMERA", "PHONE", "MOODLINE_MQTT_URL"]
"""Names of the first block: each reader has their own."""
PATIENCE_S = 480


class Shell:
    """Runs the blocks of the page in their order. port: in the place of 8050."""

    def __init__(self, environment: dict[str, str], port: int, folder: Path) -> None:
        self._environment = environment
        self._port = port
        self._folder = folder
        self._blocks = iter(BLOCKS[1:])

    def _next(self) -> str:
        return next(self._blocks).replace("127.0.0.1:8050", f"127.0.0.1:{self._port}")

    @contextmanager
    def running(self, log: Path) -> Iterator[None]:
        """Keep the command of the next block running."""
        block = self._next()
        assert block.strip() == "moodline up"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*block.split(), "--port", str(self._port)],
                env=self._environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        try:
            yield
            assert process.poll() is None, log.read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)

    def run(self) -> str:
        """Run the next block to its end, which must be a good one."""
        block = self._next()
        done = self._done(block)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run_until(self, holds: Callable[[str], bool]) -> str:
        """Run the next block again until the condition holds of what it prints."""
        block, printed = self._next(), [""]

        def does() -> bool:
            printed[0] = self._done(block).stdout
            return holds(printed[0])

        poll(does)
        return printed[0]

    def _done(self, block: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            check=False,
            env=self._environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

    def is_at_the_end(self) -> bool:
        return next(self._blocks, None) is None


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_page_leads_from_nothing_to_phone_home_assistant_and_grafana(
    tmp_path: Path, long_clip: Path
) -> None:
    pytest.importorskip("apprise")
    if not Path("/usr/bin/mosquitto_sub").exists():
        lacking("mosquitto-clients", "mosquitto_sub is not installed")
    assert re.findall(r"export (\w+)=", BLOCKS[0]) == OWN
    (port,) = free_ports(1)
    phone, folder = Receiver(), tmp_path / "home"
    with (
        RtspCamera(long_clip.parent, tmp_path / "rtsp.log") as camera,
        webhook_receiver(phone),
        MqttBroker(tmp_path) as broker,
        MqttListener(broker) as house,
    ):
        yours = (camera.url(long_clip.name), f"json://127.0.0.1:{phone.port}/", broker.url)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MOODLINE_")}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = kept | {"MOODLINE_HOME": str(folder), "PATH": path, "COLUMNS": "120"}
        environment |= dict(zip(OWN, yours, strict=True))
        shell = Shell(environment, port, tmp_path)
        with shell.running(tmp_path / "up.log"):
            poll((folder / "moodline.db").exists)
            shell.run()
            shell.run_until(lambda printed: "streaming" in printed)

            shell.run()
            poll(lambda: titles(phone) == ["moodline: a test"])
            shell.run()
            camera.kill()
            poll(lambda: "Critical: Door away (door)" in titles(phone))
            camera.start()
            poll(lambda: titles(phone)[1:] == [f"{one}: Door away (door)" for one in ENDS])
            assert "Door away" in shell.run()

            device, state = map(json.loads, shell.run().splitlines())
            known = accepted_device(json.dumps(device).encode())
            values = accepted_values(known, json.dumps(state).encode())
            assert device["dev"]["name"] == "door" and values["state"]
            house.wait_for(lambda one: bool(one.kept), "retained topics")

            shell.run()
            token = (tmp_path / "grafana.token").read_text().splitlines()[0]
            assert token.startswith("moodline_")
            shell.run_until(lambda printed: bool(printed) and analysed_s(printed) > 0)
            assert_panels_are_answered(f"http://127.0.0.1:{port}", token)
            shell.run()
            assert "Door away" in (tmp_path / "moodline.yaml").read_text()
    assert shell.is_at_the_end()


ENDS = ("Critical", "Resolved")


def titles(phone: Receiver) -> list[str]:
    """The titles of what the phone got."""
    return [json.loads(body)["title"] for *_, body in phone.got]


def assert_panels_are_answered(address: str, token: str) -> None:
    """Ask what the panels of the dashboard over the API ask, of the last hour."""
    dashboard = json.loads((ROOT / "deploy/grafana/dashboards/moodline-api.json").read_text())
    now = utc_now()
    values = {
        "$url": address,
        "${__from:date:iso}": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        "${__to:date:iso}": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "${source:percentencode}": "door",
        "$step": "60",
    }
    asked = [one for panel in dashboard["panels"] for one in panel.get("targets", [])]
    assert len(asked) >= 5
    for one in asked:
        url = one["url"]
        for name, value in values.items():
            url = url.replace(name, value)
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            assert json.loads(answer.read()), url


def analysed_s(printed: str) -> float:
    """The analysed seconds in a timeline, as a panel of Grafana adds them up."""
    series = json.loads(printed)["series"]
    return sum(bucket["analyzed_s"] for one in series for bucket in one["buckets"])

"""The command line: every command loads, and the short ones do not import what they do not use."""

import subprocess
import sys

import pytest

from contracts.settings import Device
from moodline.cli import command_line
from moodline.commands.services.worker import DeviceName

HEAVY_MODULES = {
    *("alembic", "av", "cryptography", "cv2", "dash", "keras", "numpy", "pandas", "pyarrow"),
    *("pydantic_settings", "redis", "sqlalchemy", "structlog", "tensorflow"),
}


@pytest.mark.parametrize("arguments", [["version"], ["--help"], ["model", "--help"]])
def test_short_commands_import_no_heavy_module(arguments: list[str]) -> None:
    code = (
        "import sys; from moodline.cli import main\n"
        f"sys.argv = ['moodline', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit as exc: assert not exc.code, exc\n"
        "print('\\n' + ' '.join({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.splitlines()[-1].split())
    assert sorted(imported & HEAVY_MODULES) == []


def test_a_misspelled_command_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line()(["analize"])
    assert "analyze" in capsys.readouterr().err


def test_the_worker_takes_every_device() -> None:
    """The option spells out the devices, because importing the settings would be slow."""
    assert set(DeviceName.__args__) == set(Device)  # type: ignore[attr-defined]

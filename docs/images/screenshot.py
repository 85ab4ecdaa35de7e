"""Makes docs/images/analyze.svg: what a terminal shows of a real command, from its own output."""

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 100


def shown_by(command: list[str]) -> str:
    """Return the output of the command in a terminal, with its colours."""
    ours, theirs = pty.openpty()
    env = os.environ | {"COLUMNS": str(WIDTH), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    with subprocess.Popen(  # noqa: S603  (our own command)
        command, stdout=theirs, stderr=subprocess.DEVNULL, env=env
    ) as process:
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says so when the other side is closed.
                break
            if not part:
                break
            parts.append(part)
        process.wait()
    os.close(ours)
    return b"".join(parts).decode().replace("\r\n", "\n")


def main() -> None:
    """Draw `moodline analyze PATH...` with the paths given."""
    command = ["moodline", "analyze", *sys.argv[1:]]
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text.assemble(("$ ", "dim"), " ".join(command)), soft_wrap=True)
    console.print(Text.from_ansi(shown_by([sys.executable, "-m", *command])))
    drawing = console.export_svg(title="moodline")
    # No page of ours fetches fonts from elsewhere.
    drawing = re.sub(r"@font-face \{.*?\}\s*", "", drawing, flags=re.DOTALL)
    Path(__file__).with_name("analyze.svg").write_text(drawing, encoding="utf-8")


if __name__ == "__main__":
    main()

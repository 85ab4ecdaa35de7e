"""Run the command line: `moodline`, or `python -m moodline`."""

import signal
import sys


def run() -> None:
    """Run the command line. Ctrl-C while it is being imported ends it without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.argv[1:] == ["version"]:  # Before the command line imports what it reads options with.
        from moodline.commands.installed_version import installed_version

        sys.stdout.write(f"{installed_version()}\n")
        return
    from runtime.processes.garbage import collector_off

    with collector_off():
        from moodline.cli import main

    main()


if __name__ == "__main__":
    run()

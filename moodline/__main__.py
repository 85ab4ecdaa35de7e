"""Run the command line: `moodline`, or `python -m moodline`."""

import signal


def run() -> None:
    """Run the command line. Ctrl-C while it is being imported ends it without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from moodline.cli import main

    main()


if __name__ == "__main__":
    run()

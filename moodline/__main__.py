"""Run the command line: `python -m moodline`."""

from moodline.cli import main

main()

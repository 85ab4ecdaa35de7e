"""`moodline rollups`."""

from moodline.commands.options import group_app
from moodline.commands.session import open_records, read_settings

app = group_app("Rebuild the rollups by minute, quarter of an hour, hour and day.")


@app.command("rebuild", epilog="Example: [cyan]moodline rollups rebuild[/]")
def rollups_rebuild() -> None:
    """Recompute all rollups from the stored rows. Rollups of removed rows are kept."""
    import random

    from rich.progress import Progress

    from analytics.history.rollups import mark_all_dirty, roll_up_all
    from moodline.terminal.output import Screen, print_line

    with open_records(read_settings()) as engine:
        total = mark_all_dirty(engine, random.getrandbits(62))
        with Progress(console=Screen(stderr=True), transient=True) as progress:
            bar = progress.add_task("minutes", total=total)
            folded = roll_up_all(engine, lambda some: progress.advance(bar, some))
    print_line(f"Recomputed {folded:,} minutes.")

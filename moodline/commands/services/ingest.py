"""`moodline ingest`."""

from moodline.commands.options import ParallelOption, command_app
from moodline.commands.session import read_settings

app = command_app()


@app.command(epilog="Example: [cyan]moodline ingest --parallel 4[/]")
def ingest(parallel: ParallelOption = 2) -> None:
    """Service: read live sources and queued recordings. Needs a broker and a database."""
    from moodline.services.ingest import run_ingest

    run_ingest(read_settings("ingest"), parallel=parallel)

"""The copies of erased data outside the database: broker memory, uploads, annotated recordings."""

from contextlib import suppress
from shutil import rmtree

from sqlalchemy import Engine

from analytics.removal.receipts import Receipt
from broker.bus import Bus
from broker.dead_letters import DeadLetters
from broker.live_view import clear_view
from contracts.errors import BrokerError
from contracts.settings import Settings
from moodline.adapters.recording_files import delete_recording_files
from moodline.stack.running_stack import running_broker


def delete_erased_copies(settings: Settings, engine: Engine, receipt: Receipt) -> None:
    """Delete what the broker and this host's files still hold of the erased runs and sources.

    These are live pictures, dead letters, uploads of erased runs, annotated copies, and all exports
    that programs asked for, which may hold some of it. Hosts
    that share the records must also share MOODLINE_UPLOADS: other hosts' own files stay.
    """
    delete_recording_files(settings, engine, receipt.run_ids)
    rmtree(settings.home_path / "exports", ignore_errors=True)
    url = running_broker(settings)
    if not url:
        return
    with suppress(BrokerError):  # What it holds expires by itself.
        bus = Bus.connect(url)
        try:
            DeadLetters(bus).drop(receipt.run_ids)
            for name in receipt.sources:
                clear_view(bus, name)
        finally:
            bus.close()

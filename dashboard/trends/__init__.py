"""The page Trends: the expressions of a time range, by source, beside their coverage.

`charts` draws the figures. The rest reads a view from the address, and answers it.
"""

from dashboard.language.words import N_
from dashboard.trends.callbacks import add_callbacks
from dashboard.trends.page import layout
from dashboard.trends.routes import routes
from dashboard.web.bundle import CHART_SCRIPTS
from dashboard.web.page import Page
from serving.access import Role
from serving.shares import CALLBACK, HEAVY

TRENDS = Page(
    "trends",
    N_("Trends"),
    layout,
    add_callbacks,
    routes,
    changes=Role.VIEWER,  # Everyone may save views of their own.
    scripts=CHART_SCRIPTS,
    work=(("GET (csv|parquet)", HEAVY), ("GET (extras|table)", CALLBACK)),
)

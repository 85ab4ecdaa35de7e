"""The page Trends: how expressions moved over a range, and how much of it was seen."""

from dashboard.trends.callbacks import add_callbacks
from dashboard.trends.details import routes
from dashboard.trends.page import layout
from dashboard.web.bundle import CHARTS
from dashboard.web.page import Page

TRENDS = Page("trends", "Trends", layout, add_callbacks, routes, scripts=CHARTS)

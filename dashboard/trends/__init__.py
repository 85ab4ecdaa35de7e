"""The page Trends: how expressions moved over a range, and how much of it was seen."""

from dashboard.bundle import CHARTS
from dashboard.pages import Page
from dashboard.trends.callbacks import add_callbacks
from dashboard.trends.extras import routes
from dashboard.trends.page import layout

TRENDS = Page("trends", "Trends", layout, add_callbacks, routes, scripts=CHARTS)

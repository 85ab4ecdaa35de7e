"""`moodline model`: the group of its commands."""

from moodline.commands.model import (
    average_faces,
    calibrate,
    compare,
    evaluate,
    evaluate_clips,
    export,
    leakage,
    list_models,
    train,
)
from moodline.commands.options import group_app

app = group_app("Train, export, calibrate and score models.")
for module in (
    list_models,
    evaluate,
    evaluate_clips,
    compare,
    calibrate,
    leakage,
    train,
    export,
    average_faces,
):
    app.add_typer(module.app)

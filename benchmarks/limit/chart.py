"""The chart of the limit: a bar of CPU time a frame for limit and pipeline, by stage."""

from html import escape
from pathlib import Path
from typing import Any, Final

from benchmarks.limit.stages import STAGES

_COLOURS: Final = {
    "decode": "#4c78a8",
    "encode": "#9ecae9",
    "broker": "#72b7b2",
    "search": "#f58518",
    "follow": "#ffbf79",
    "crop": "#d67195",
    "classify": "#54a24b",
    "smooth": "#88d27a",
    "commit": "#b279a2",
    "other": "#9d9d9d",
}
_WIDTH: Final = 860
_LEFT: Final = 210
_RIGHT: Final = 120
_BAR: Final = 18
_ROW: Final = 24
_GAP: Final = 14
_TOP: Final = 48
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#24292f}.quiet{fill:#57606a}"
    "rect.page{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#8d96a0}"
    "rect.page{fill:#0d1117}}"
)


def write_chart(path: Path, measured: dict[str, dict[int, dict[str, Any]]]) -> None:
    """Write the chart as SVG. measured: limit and pipeline by clip and number of cores."""
    rows = [
        (f"{clip}, {kind}", by_cores[1][kind], by_cores)
        for clip, by_cores in measured.items()
        for kind in ("limit", "pipeline")
    ]
    most = max(sum(found["stages"].values()) for _, found, _ in rows)
    scale = (_WIDTH - _LEFT - _RIGHT) / most
    parts, y = [*_legend()], _TOP
    for number, (label, found, _) in enumerate(rows):
        parts += _bar(label, found, y, scale)
        y += _ROW if number % 2 == 0 else _ROW + _GAP
    height = y + 4
    title = "CPU milliseconds a frame on one core, by stage"
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-label="{title}">'
        f"<title>{title}</title><style>{_STYLE}</style>"
        f'<rect class="page" width="{_WIDTH}" height="{height}"/>' + "".join(parts) + "</svg>\n",
        encoding="utf-8",
    )


def _legend() -> list[str]:
    parts, x = [], 12
    for stage in STAGES:
        parts.append(
            f'<rect x="{x}" y="14" width="12" height="12" rx="2" fill="{_COLOURS[stage]}"/>'
            f'<text x="{x + 17}" y="25">{stage}</text>'
        )
        x += 34 + 8 * len(stage)
    return parts


def _bar(label: str, found: dict[str, Any], y: int, scale: float) -> list[str]:
    parts = [f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(label)}</text>']
    x = float(_LEFT)
    for stage in STAGES:
        width = found["stages"][stage] * scale
        parts.append(
            f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" '
            f'fill="{_COLOURS[stage]}"><title>{stage}: {found["stages"][stage]:.2f} ms</title>'
            "</rect>"
        )
        x += width
    total = sum(found["stages"].values())
    parts.append(
        f'<text class="quiet" x="{x + 6:.1f}" y="{y + 14}">{total:.1f} ms, '
        f"{found['fps']:.0f}/s</text>"
    )
    return parts

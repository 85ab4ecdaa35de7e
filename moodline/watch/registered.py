"""`moodline watch NAME`: what a source that is being read shows now, from the broker's memory."""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import cv2
import numpy as np
from rich.color import Color
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.style import Style
from rich.text import Text
from sqlalchemy import Engine

from analytics.now.live_status import live_status
from broker.bus import Bus
from broker.live_view import Reading, View
from broker.presence import Presence, SourceReport
from contracts.errors import BrokerError, SourceError
from contracts.expressions import COLOURS, EXPRESSIONS, UNCERTAIN
from contracts.settings import Settings
from contracts.times import EPOCH, utc_now
from moodline.stack.running_stack import running_broker
from moodline.watch.summary import WatchOptions, print_chart, tell
from runtime.stop_signal import raise_if_asked

_TURN_S: Final = 0.25
_COLUMNS: Final = 72
_BAR_WIDTH: Final = 20
_LONGEST_DWELL_S: Final = 1.0


@dataclass(slots=True)
class _Seen:
    """What this command saw of the source. states: seconds by state. emotions: person-seconds by
    smoothed label, each view standing for the time until the next, for a second at most.
    """

    views: int = 0
    tracks: set[int] = field(default_factory=set)
    states: dict[str, float] = field(default_factory=dict)
    emotions: dict[str, float] = field(default_factory=dict)
    last: View | None = None

    def add(self, view: View) -> None:
        """The next view of it."""
        self.views += 1
        self.tracks |= {reading.track_id for reading in view.readings}
        if self.last is not None:
            passed_s = (view.captured_at_us - self.last.captured_at_us) / 1e6
            for reading in self.last.readings:
                label = reading.emotion or UNCERTAIN
                spent_s = min(max(passed_s, 0.0), _LONGEST_DWELL_S)
                self.emotions[label] = self.emotions.get(label, 0.0) + spent_s
        self.last = view


def watch_source(
    settings: Settings, engine: Engine, name: str, options: WatchOptions, console: Console
) -> bool:
    """Show the source until Ctrl-C, then its numbers. Whether there was something to see.

    Raises SourceError when nothing runs that could read it.
    """
    url = running_broker(settings)
    if not url:
        raise SourceError(f"nothing reads {name} now", hint="Start `moodline up`")
    bus, seen = Bus.connect(url), _Seen()
    screen = Console(stderr=True) if options.as_json else console
    try:
        with Live(console=screen, auto_refresh=False, transient=True) as live:
            _watch(bus, name, seen, live, options.seconds)
    except KeyboardInterrupt:
        pass  # The usual way to end it.
    try:
        reports = Presence(bus, SourceReport).living()
    except BrokerError:
        reports = []
    bus.close()
    (now,) = [one for one in live_status(engine, reports) if one["name"] == name]
    now |= {
        "views": seen.views,
        "tracks": len(seen.tracks),
        "states": _rounded(seen.states),
        "emotions": _rounded(dict(sorted(seen.emotions.items()))),
    }
    tell(now, options, lambda: _print_end(now, console))
    return seen.views > 0


def _watch(bus: Bus, name: str, seen: _Seen, live: Live, seconds: float | None) -> None:
    begin_s = before_s = time.monotonic()
    said = ""
    while seconds is None or time.monotonic() - begin_s < seconds:
        raise_if_asked()
        view = View.newest(bus, name)
        report = next((one for one in Presence(bus, SourceReport).living() if one.id == name), None)
        state = report.state if report else "dead"
        now_s = time.monotonic()
        seen.states[state] = seen.states.get(state, 0.0) + now_s - before_s
        before_s = now_s
        if view is not None and (
            seen.last is None or view.captured_at_us != seen.last.captured_at_us
        ):
            seen.add(view)
        why = report.reason if report else "nobody watches over it. Start `moodline up`"
        if why and why != said and not live.console.is_terminal:
            live.console.print(f"{state}: {why}", soft_wrap=True)
        said = why
        live.update(_panel(name, view, state, why, report), refresh=True)
        time.sleep(_TURN_S)


def _panel(
    name: str, view: View | None, state: str, why: str, report: SourceReport | None
) -> RenderableType:
    head = Text(name, style="bold").append(f"  {state.replace('_', ' ')}", "not bold")
    if report is not None:
        head.append(f"  {report.fps:.0f} fps", "dim not bold")
    parts: list[RenderableType] = [head]
    parts += [Text(why, style="yellow")] if why else []
    if view is None:
        return Group(*parts, Text("No picture of the last seconds.", style="dim"))
    age_s = (utc_now() - EPOCH - timedelta(microseconds=view.captured_at_us)).total_seconds()
    head.append(f"  {max(age_s, 0.0):.1f} s ago", "dim not bold")
    parts += [picture_text(view.picture)] if view.picture else []
    parts += [_line(reading) for reading in view.readings]
    if not view.readings:
        parts.append(Text("No face in view.", style="dim"))
    return Group(*parts, Text("Ctrl-C ends it; the source is read on.", style="dim"))


def picture_text(jpeg: bytes) -> Text:
    """The picture in characters: each shows two pixels, one above the other."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        return Text()
    high, wide = picture.shape[:2]
    rows = max(round(_COLUMNS * high / wide / 2), 1)
    small = cv2.resize(picture, (_COLUMNS, 2 * rows), interpolation=cv2.INTER_AREA)
    text = Text(no_wrap=True)
    for row in range(rows):
        for upper, lower in zip(small[2 * row], small[2 * row + 1], strict=True):
            text.append("▀", Style(color=_colour(upper), bgcolor=_colour(lower)))
        text.append("\n" if row < rows - 1 else "")
    return text


def _colour(pixel: Any) -> Color:
    return Color.from_rgb(*(int(value) for value in pixel))


def _line(reading: Reading) -> Text:
    label = reading.emotion or UNCERTAIN
    line = Text(f"track {reading.track_id}: ", style="bold")
    line.append(f"{label} {reading.confidence:.0%} ", f"bold {COLOURS[label]}")
    for emotion, share in zip(EXPRESSIONS, reading.probabilities, strict=True):
        line.append("█" * round(_BAR_WIDTH * share), COLOURS[emotion])
    return line


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {state: round(value, 1) for state, value in seconds.items()}


def _print_end(now: dict[str, Any], console: Console) -> None:
    dropped = ", ".join(f"{count:,} dropped ({why})" for why, count in now["dropped"].items())
    console.print(
        f"{now['name']} is {now['state'].replace('_', ' ')}. This run so far: "
        f"{now['captured']:,} frames captured, {now['sampled_out']:,} sampled out, "
        f"{now['analyzed']:,} analysed{', ' if dropped else ''}{dropped}.",
        highlight=False,
        soft_wrap=True,
    )
    print_chart(now["emotions"], console)

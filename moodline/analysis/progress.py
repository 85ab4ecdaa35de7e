"""Progress bars: one for each recording that is being analysed, and one for all of them."""

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from moodline.analysis.queueing import FileProgress
from moodline.terminal.output import Screen
from runtime.visible_text import visible

_MAX_BARS: Final = 8
_NAME_WIDTH: Final = 28


class ProgressDisplay:
    """The progress bars, on standard error. A context manager; `show` updates them."""

    def __init__(self, *, enabled: bool) -> None:
        console = Screen(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[frames]:>14}"),
            TextColumn("{task.fields[fps]:>8}"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            disable=not enabled or not console.is_terminal,
        )
        self._tasks: dict[int, tuple[TaskID, float, int]] = {}
        self._total: TaskID | None = None
        self._trouble = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, files: Sequence[FileProgress], trouble: str = "") -> None:
        """Update the bars. trouble: what keeps the files waiting; printed when it changes."""
        if trouble and trouble != self._trouble:
            self._progress.console.print(
                f"[yellow]waiting:[/] {escape(visible(trouble))}", soft_wrap=True, highlight=False
            )
        self._trouble = trouble
        if self._progress.disable:
            return
        if self._total is None and len(files) > 1:
            self._total = self._progress.add_task(
                f"{len(files):,} recordings", total=len(files), frames="", fps=""
            )
        if self._total is not None:
            self._progress.update(
                self._total,
                completed=(done := sum(f.ended for f in files)),
                frames=f"{done:,} done",
            )
        for place, file in enumerate(files):
            self._show_file(place, file)

    def _show_file(self, place: int, file: FileProgress) -> None:
        status = file.status
        if place in self._tasks and file.ended:
            self._progress.update(self._tasks.pop(place)[0], visible=False)
        if status is None or file.ended or status.started_at is None:
            return
        if place not in self._tasks:
            if len(self._tasks) >= _MAX_BARS:
                return
            name = visible(Path(file.path).name)
            name = name if len(name) <= _NAME_WIDTH else f"{name[: _NAME_WIDTH - 1]}…"
            task = self._progress.add_task(name, total=1.0, frames="", fps="")
            self._tasks[place] = (task, time.monotonic(), status.frames_analyzed)
        task, begun, before = self._tasks[place]
        elapsed = time.monotonic() - begun
        rate = (status.frames_analyzed - before) / elapsed if elapsed > 0.5 else 0.0
        self._progress.update(
            task,
            total=1.0 if status.share is not None else None,
            completed=status.share or 0.0,
            frames=f"{status.frames_analyzed:,} frames",
            fps=f"{rate:.0f} fps" if rate else "… fps",
        )

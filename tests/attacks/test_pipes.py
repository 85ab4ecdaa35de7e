"""Pipes and devices where files are expected: refused without waiting for a writer."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analytics.export.atomic_files import atomic_file
from contracts.errors import MoodlineError, SourceError
from contracts.model_card import CARD_NAME, WEIGHTS_NAME, ModelCard
from ingest.files.content_hash import read_content
from ingest.files.discovery import discover
from ingest.files.formats.truncation import missing_bytes
from ingest.files.source import FileSource
from records.sources.sealing import Sealer
from runtime.files.regular_files import open_regular
from tests.attacks.recordings_dashboard import (
    small_clip,
)
from training.config import read_config
from training.data.readers import read_dataset


def open_recording(path: Path) -> None:
    FileSource(path, fps=None, max_side=640)


def read_model_card(path: Path) -> None:
    folder = path.with_suffix(".model")
    folder.mkdir()
    (folder / CARD_NAME).symlink_to(path)
    ModelCard.read(folder)


def read_model_weights(path: Path) -> None:
    folder = path.with_suffix(".weights")
    folder.mkdir()
    (folder / CARD_NAME).write_text("{}")
    (folder / WEIGHTS_NAME).symlink_to(path)
    ModelCard.read(folder)


def read_key(path: Path) -> None:
    home = path.with_suffix(".home")
    home.mkdir()
    sealer = Sealer("", home)
    key = sealer._path
    key.symlink_to(path)
    sealer.seal("rtsp://user:password@camera/live")


def read_votes(path: Path) -> None:
    faces = path.with_suffix(".faces.csv")
    faces.write_text("emotion,pixels,Usage\n")
    read_dataset(faces, path)


READERS: list[Callable[[Path], Any]] = [
    open_recording,
    open_regular,
    read_content,
    missing_bytes,
    read_config,
    read_dataset,
    read_votes,
    read_model_card,
    read_model_weights,
    read_key,
]


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("reader", READERS)
def test_a_pipe_or_device_is_refused_without_waiting(
    tmp_path: Path, kind: str, reader: Callable[[Path], Any]
) -> None:
    path = tmp_path / "a.mp4"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises((MoodlineError, OSError)):
        reader(path)


def test_a_pipe_in_a_folder_of_the_command_line_fails_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    small_clip(tmp_path / "b.mp4")
    assert len(discover([str(tmp_path)])) == 2
    with pytest.raises(SourceError, match="not a regular file"):
        read_content(tmp_path / "a.mp4")


def test_a_pipe_left_in_the_folder_of_an_export_does_not_block_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".moodline-part-x")
    (tmp_path / "victim").write_text("kept")
    (tmp_path / ".moodline-part-y").symlink_to(tmp_path / "victim")
    with atomic_file(tmp_path / "out.csv") as part:
        part.write_text("rows")
    assert (tmp_path / "out.csv").read_text() == "rows"
    assert (tmp_path / "victim").read_text() == "kept"

"""Shared folders: one host stores a recording, another opens it in its own folder."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import SourceError
from contracts.shared_folders import SharedFolders

NAME = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1
).filter(lambda name: name not in (".", ".."))


@given(st.lists(NAME, min_size=1, max_size=5))
def test_another_host_finds_a_stored_recording(parts: list[str]) -> None:
    here, there = SharedFolders.parse("nas=/Volumes/nas"), SharedFolders.parse("nas=/mnt/x/nas")
    uri = here.stored(Path("/Volumes/nas", *parts))
    assert uri.startswith("shared://nas/")
    assert there.local(uri) == Path("/mnt/x/nas", *parts)


def test_a_recording_outside_shared_folders_keeps_its_path() -> None:
    folders = SharedFolders.parse("nas=/mnt/nas")
    assert folders.stored(Path("/mnt/nascent/a.mp4")) == "/mnt/nascent/a.mp4"
    assert folders.local("/home/a.mp4") == Path("/home/a.mp4")
    assert folders.can_open("/home/a.mp4")


def test_the_innermost_shared_folder_is_used() -> None:
    folders = SharedFolders.parse("all=/data, cams=/data/cams")
    assert folders.stored(Path("/data/cams/a.mp4")) == "shared://cams/a.mp4"


def test_opening_in_a_folder_that_this_host_lacks_names_the_setting() -> None:
    folders = SharedFolders()
    assert not folders.can_open("shared://nas/a.mp4")
    with pytest.raises(SourceError) as raised:
        folders.local("shared://nas/a.mp4")
    assert "MOODLINE_SHARED_FOLDERS" in raised.value.line()


def test_a_stored_path_cannot_lead_out_of_its_folder() -> None:
    folders = SharedFolders.parse("nas=/mnt/nas")
    for uri in ("shared://nas/../etc/passwd", "shared://nas/a/%2e%2e/%2e%2e/b", "shared://nas//b"):
        with pytest.raises(SourceError):
            folders.local(uri)


@pytest.mark.parametrize("text", ["nas", "nas=relative", "=/x", "n s=/x"])
def test_a_malformed_list_of_folders_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="NAME=/FOLDER"):
        SharedFolders.parse(text)

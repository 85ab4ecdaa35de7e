"""Answers of WS-Discovery, which anybody in the network can send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.parsing.addresses import HostPort
from ingest.live.discovery.probe import FoundDevice, read_answer
from tests.onvif_camera import probe_match

HERE = "192.168.1.20"


def test_an_answer_names_the_camera_and_its_service() -> None:
    scopes = (
        "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/T%C3%BCr "
        "onvif://www.onvif.org/hardware/X1 onvif://www.onvif.org/location/city/x"
    )
    data = probe_match(f"http://[fe80::1]/onvif http://{HERE}:8000/onvif/device_service", scopes)
    assert [*read_answer(data, HERE)] == [
        FoundDevice(HERE, HostPort(HERE, 8000), "Tür", "X1", "city/x")
    ]


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/onvif", "https://192.168.1.20/x", "file:///etc/passwd", "", "http://["]
)
def test_an_answer_is_believed_only_about_its_own_address(url: str) -> None:
    assert [*read_answer(probe_match(url), HERE)] == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"<a>",
        b'<?xml version="1.0" encoding="x"?><a/>',
        b'<!DOCTYPE a [<!ENTITY b "bbb">]>' + probe_match(f"http://{HERE}/onvif"),
    ],
)
def test_what_is_not_an_answer_is_ignored(data: bytes) -> None:
    assert [*read_answer(data, HERE)] == []


@given(st.binary(max_size=300))
def test_any_datagram_is_read_or_ignored(data: bytes) -> None:
    assert isinstance([*read_answer(data, HERE)], list)

"""Cameras that are found by WS-Discovery, and their streams by ONVIF, against one on this host."""

import pytest

from contracts.errors import CredentialsRefusedError, SourceError
from contracts.parsing.addresses import HostPort
from ingest.live.discovery.probe import FoundDevice, probe
from ingest.live.discovery.streams import CameraStream, camera_streams
from tests.onvif_camera import PASSWORD, USER, onvif_camera
from tests.rtsp import free_ports

STREAMS = [
    CameraStream("main", "rtsp://192.168.7.9:554/main", "H264", 1920, 1080, 25.0),
    CameraStream("sub", "rtsp://192.168.7.9:554/sub", "H264", 640, 360, 10.0),
]


def test_a_camera_is_found_and_names_its_streams() -> None:
    with onvif_camera() as camera:
        (device,) = probe(0.7, HostPort("127.0.0.1", camera.port))
        service = HostPort("127.0.0.1", camera.http_port)
        assert device == FoundDevice("127.0.0.1", service, "Front Door", "X1", "")
        # The camera says that its services are at another address, to which nothing is sent.
        assert camera_streams(device.service, "", "") == STREAMS


def test_a_guarded_camera_wants_the_login_and_gets_a_digest_only() -> None:
    with onvif_camera(guarded=True) as camera:
        service = HostPort("127.0.0.1", camera.http_port)
        with pytest.raises(CredentialsRefusedError, match="refuses the user name"):
            camera_streams(service, "", "")
        assert camera_streams(service, USER, PASSWORD) == STREAMS
        assert not any(PASSWORD in body for body in camera.bodies)


def test_without_a_camera_nothing_is_found_and_errors_are_plain() -> None:
    (port,) = free_ports(1)
    assert probe(0.5, HostPort("127.0.0.1", port)) == []
    with pytest.raises(SourceError, match="does not answer as an ONVIF camera"):
        camera_streams(HostPort("127.0.0.1", port), "", "")

"""Addresses of live sources: what is written into them, and what is read from them."""

import pytest

from contracts.errors import SourceError
from contracts.live_sources import Transport
from ingest.live.uris import check_uri, transport_of, with_credentials, with_transport

LIVE = "rtsp://camera.local/live?channel=1"


def test_udp_is_written_at_the_end_of_the_address_and_tcp_is_not() -> None:
    over_udp = with_transport(LIVE, Transport.UDP)
    assert over_udp == f"{LIVE}#transport=udp"
    assert with_transport(over_udp, Transport.UDP) == over_udp
    assert with_transport(over_udp, Transport.TCP) == LIVE
    assert transport_of(with_credentials(over_udp, "me", "s3cret")) is Transport.UDP


@pytest.mark.parametrize("uri", [LIVE, f"{LIVE}#", f"{LIVE}#transport=TCP", "0", "clip#1.mp4"])
def test_other_addresses_are_over_tcp(uri: str) -> None:
    assert transport_of(uri) is Transport.TCP
    assert with_transport(uri, Transport.TCP) == (LIVE if "TCP" in uri else uri)


@pytest.mark.parametrize("uri", ["rtsps://camera.local/live", "http://camera.local/live", "0"])
def test_only_rtsp_has_udp(uri: str) -> None:
    with pytest.raises(SourceError, match="only rtsp"):
        with_transport(uri, Transport.UDP)
    if "://" in uri:
        with pytest.raises(SourceError, match="only rtsp"):
            check_uri(f"{uri}#transport=udp")


def test_an_unknown_transport_is_refused() -> None:
    with pytest.raises(SourceError, match="not known"):
        check_uri(f"{LIVE}#transport=carrier-pigeon")

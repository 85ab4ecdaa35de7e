"""SSRF guard: a web form may name hosts of the network, but not this host or metadata servers."""

import socket
from ipaddress import ip_address

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import OwnHostError, SourceError
from contracts.parsing.addresses import HostPort
from ingest.live.ssrf_guard import check_address, check_form_address, check_host
from runtime.network import addresses
from runtime.network.addresses import is_own, is_refused


@pytest.mark.parametrize(
    "uri",
    [
        *(f"rtsp://admin:hunter2{mark}1@camera/live" for mark in "/?#"),
        *("rtsp://camera:99999/x", "rtsp://u:hunter2@:554/x", "http://u:hunter2@[::1/", "rtsp:///"),
        *("rtsp://u:hunt er2@camera/", "rtsp://u:hunter2@camera:0/"),
    ],
)
def test_an_ambiguous_address_is_refused_without_quoting_it(uri: str) -> None:
    with pytest.raises(SourceError) as raised:
        check_address(uri)
    assert "hunt" not in raised.value.line()
    check_address("rtsp://admin:hunter2%231@camera:554/live?x=a%40b")


def resolver(*addresses: str):  # type: ignore[no-untyped-def]
    return lambda _host: addresses


@pytest.mark.parametrize(
    "uri",
    [
        "0",
        "/dev/video2",
        "rtsp://camera.local/live",
        "rtsps://me:secret@192.168.1.7:8554/a?b=1",
        "http://10.0.0.9/mjpeg",
        "https://[fd12:3456::1]/hls.m3u8",
    ],
)
def test_camera_addresses_are_allowed(uri: str) -> None:
    check_form_address(uri, resolve=resolver("192.168.1.7"))


@pytest.mark.parametrize(
    "uri",
    [
        *("", "64", "-1", "clip.mp4", "/etc/passwd", "/dev/sda", "/dev/video1/../sda", "~/x.mp4"),
        *("file:///etc/passwd", "FILE:///etc/passwd", "concat:a|b", "data:,x", "ftp://host/x"),
        *("udp://239.0.0.1:1", "rtmp://host/x", "crypto+http://host/", "http:///x", "rtsp://"),
        *("http://[::1", "http://host:99999/", "rtsp://host/a b", "rtsp://host/\n"),
        *("rtsp://${SECRET}@host/", "http://host/${HOME}", "subfile,,start,0,end,9,,:/etc/passwd"),
    ],
)
def test_other_addresses_are_refused(uri: str) -> None:
    with pytest.raises(SourceError):
        check_form_address(uri, resolve=resolver("192.168.1.7"))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "169.254.169.254", "fe80::1"),
        *("224.0.0.1", "ff02::1", "255.255.255.255", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
        *("2002:7f00:1::", "64:ff9b::7f00:1", "100.100.100.200", "fd00:ec2::254", "0.1.2.3"),
        *("168.63.129.16", "192.0.0.192", "192.0.0.8", "fd20:ce::254", "fec0::1", "feff::1"),
        *("0.255.255.255", "240.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "::7f00:1"),
        *("2002:a9fe:a9fe::1", "2001:0:7f00:1::1", "2001:0:808:808::80ff:fffe"),
        *("2001:db8::5efe:7f00:1", "2001:db8::200:5efe:a9fe:a9fe", "::ffff:10.0.0.1"),
    ],
)
def test_this_host_and_metadata_servers_are_refused_whatever_their_name(address: str) -> None:
    with pytest.raises(SourceError, match="not allowed"):
        check_host("camera.example", resolve=resolver("192.168.1.7", address))
    check_host("Camera.example", ["camera.EXAMPLE"], resolver(address))


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "017700000001", "localhost"])
def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    with pytest.raises(SourceError):
        check_form_address(f"http://{host}/")


@given(st.text(max_size=80))
def test_any_text_is_refused_or_a_camera_address(text: str) -> None:
    try:
        check_form_address(text, resolve=resolver("192.168.1.7"))
    except SourceError:
        return
    begins = ("rtsp://", "rtsps://", "http://", "https://", "/dev/video")
    assert text.isdecimal() or text.lower().startswith(begins)


def test_an_unknown_host_is_named_in_the_error() -> None:
    def unknown(host: str) -> list[str]:
        raise OSError(host)

    with pytest.raises(SourceError, match="not found"):
        check_host("unknown.example", resolve=unknown)


@pytest.mark.parametrize("address", ["192.168.1.7", "10.0.0.9", "8.8.8.8", "2606:4700::1111"])
def test_hosts_of_the_network_and_the_internet_are_allowed(address: str) -> None:
    assert not is_refused(ip_address(address))


def test_all_own_addresses_are_refused() -> None:
    found = [
        one.address
        for interface in psutil.net_if_addrs().values()
        for one in interface
        if one.family in {socket.AF_INET, socket.AF_INET6}
    ]
    assert found
    assert all(is_refused(ip_address(one.partition("%")[0])) for one in found)


def test_own_addresses_are_found_where_the_kernel_binds_to_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addresses, "_binds", lambda _address: True)
    assert is_own(ip_address("127.0.0.1"))
    assert not is_own(ip_address("192.0.2.7"))


def test_an_own_address_is_refused_within_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    own = ip_address("192.168.1.5")
    monkeypatch.setattr(addresses, "is_own", lambda address: address == own)
    assert is_refused(own) and is_refused(ip_address("2002:c0a8:0105::1"))
    assert not is_refused(ip_address("2002:c0a8:0107::1"))


def test_the_error_does_not_tell_the_address_behind_a_name() -> None:
    with pytest.raises(SourceError) as raised:
        check_host("intranet.example", resolve=resolver("127.7.7.7"))
    assert "127.7.7.7" not in raised.value.line()


def test_one_port_of_this_host_can_be_allowed() -> None:
    own = [HostPort("127.0.0.1", 8554)]
    with pytest.raises(OwnHostError) as raised:
        check_form_address("rtsp://me:s3cret@127.0.0.1:8554/door")
    assert raised.value.place == "127.0.0.1:8554"
    check_form_address("rtsp://me:s3cret@127.0.0.1:8554/door", own=own)
    for other in ("rtsp://127.0.0.1/door", "http://127.0.0.1:6379/", "rtsp://127.0.0.2:8554/door"):
        with pytest.raises(OwnHostError):
            check_form_address(other, own=own)


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1", "255.255.255.255"),
        *("::", "fe80::1", "fd00:ec2::254", "::ffff:169.254.169.254", "192.0.0.192"),
    ],
)
def test_nothing_but_this_host_can_be_allowed(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(SourceError) as raised:
        check_form_address(f"rtsp://{host}:8554/door", own=[HostPort(address, 8554)])
    assert not isinstance(raised.value, OwnHostError)


def test_a_name_that_is_this_host_and_another_refused_one_cannot_be_allowed() -> None:
    both = resolver("127.0.0.1", "169.254.169.254")
    with pytest.raises(SourceError) as raised:
        check_form_address("rtsp://nas/door", resolve=both, own=[HostPort("nas", 554)])
    assert not isinstance(raised.value, OwnHostError)

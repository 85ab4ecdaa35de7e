"""A camera that answers WS-Discovery and ONVIF on this host, as far as moodline asks."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USER, PASSWORD = "viewer", "0nvif-s3cret"

_ENVELOPE = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
    'xmlns:trt="http://www.onvif.org/ver10/media/wsdl" '
    'xmlns:tt="http://www.onvif.org/ver10/schema" '
    'xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>{}</s:Body></s:Envelope>'
)
_FAULT = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value>"
    '</s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">Sender not authorized</s:Text>'
    "</s:Reason></s:Fault>"
)
_TIME = (
    "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>"
    "<tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>"
    "<tt:UTCDateTime><tt:Time><tt:Hour>1</tt:Hour><tt:Minute>2</tt:Minute><tt:Second>3</tt:Second>"
    "</tt:Time><tt:Date><tt:Year>2026</tt:Year><tt:Month>11</tt:Month><tt:Day>30</tt:Day></tt:Date>"
    "</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
)
_SERVICES = (
    "<tds:GetServicesResponse>"
    "<tds:Service><tds:Namespace>http://www.onvif.org/ver10/device/wsdl</tds:Namespace>"
    "<tds:XAddr>http://192.0.2.1/onvif/device_service</tds:XAddr><tds:Version><tt:Major>2</tt:Major>"
    "<tt:Minor>6</tt:Minor></tds:Version></tds:Service>"
    "<tds:Service><tds:Namespace>http://www.onvif.org/ver10/media/wsdl</tds:Namespace>"
    "<tds:XAddr>http://192.0.2.1/onvif/media</tds:XAddr><tds:Version><tt:Major>2</tt:Major>"
    "<tt:Minor>6</tt:Minor></tds:Version></tds:Service></tds:GetServicesResponse>"
)


def _profile(token: str, name: str, width: int, height: int, fps: int) -> str:
    return (
        f'<trt:Profiles token="{token}" fixed="true"><tt:Name>{name}</tt:Name>'
        f'<tt:VideoEncoderConfiguration token="v{token}"><tt:Name>v</tt:Name>'
        "<tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>"
        f"<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height>"
        "</tt:Resolution><tt:Quality>4</tt:Quality>"
        f"<tt:RateControl><tt:FrameRateLimit>{fps}</tt:FrameRateLimit>"
        "<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>2048</tt:BitrateLimit>"
        "</tt:RateControl>"
        "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address>"
        "</tt:Address><tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart>"
        "</tt:Multicast><tt:SessionTimeout>PT60S</tt:SessionTimeout>"
        "</tt:VideoEncoderConfiguration></trt:Profiles>"
    )


@dataclass
class OnvifCamera:
    """The camera. port: of WS-Discovery. asked: names of the operations that it was asked."""

    port: int
    http_port: int
    asked: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)


def _answer(body: str, *, guarded: bool) -> str:
    found = re.search(r"<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)", body)
    operation = found[1] if found else ""
    if operation == "GetSystemDateAndTime":
        return _TIME
    if guarded and (USER not in body or "PasswordDigest" not in body):
        return _FAULT
    if operation == "GetServices":
        return _SERVICES
    if operation == "GetProfiles":
        profiles = _profile("p1", "main", 1920, 1080, 25) + _profile("p2", "sub", 640, 360, 10)
        return f"<trt:GetProfilesResponse>{profiles}</trt:GetProfilesResponse>"
    token = "sub" if ">p2<" in body else "main"
    return (
        "<trt:GetStreamUriResponse><trt:MediaUri>"
        f"<tt:Uri>rtsp://192.168.7.9:554/{token}</tt:Uri>"
        "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
        "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout>"
        "</trt:MediaUri></trt:GetStreamUriResponse>"
    )


def probe_match(url: str, scopes: str = "onvif://www.onvif.org/name/Front%20Door") -> bytes:
    """The answer to a probe."""
    return (
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><s:Body><d:ProbeMatches>'
        f"<d:ProbeMatch><d:Scopes>{scopes}</d:Scopes><d:XAddrs>{url}</d:XAddrs>"
        "</d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>"
    ).encode()


@contextmanager
def onvif_camera(*, guarded: bool = False) -> Iterator[OnvifCamera]:
    """Run a camera on this host. guarded: it wants USER and PASSWORD."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = _answer(body, guarded=guarded)
            camera.bodies.append(body)
            data = _ENVELOPE.format(answer).encode()
            self.send_response(400 if answer == _FAULT else 200)
            self.send_header("Content-Type", "application/soap+xml")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    camera = OnvifCamera(udp.getsockname()[1], server.server_port)

    def answer_probes() -> None:
        while True:
            data, sender = udp.recvfrom(65_536)
            if data == b"stop":
                return
            assert b"NetworkVideoTransmitter" in data
            url = f"http://127.0.0.1:{camera.http_port}/onvif/device_service"
            scopes = "onvif://www.onvif.org/name/Front%20Door onvif://www.onvif.org/hardware/X1"
            udp.sendto(probe_match(url, scopes), sender)
            udp.sendto(b"<broken", sender)

    threads = [
        threading.Thread(target=one, daemon=True) for one in (server.serve_forever, answer_probes)
    ]
    for thread in threads:
        thread.start()
    try:
        yield camera
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"stop", ("127.0.0.1", camera.port))
        server.shutdown()
        for thread in threads:
            thread.join(10)
        server.server_close()
        udp.close()

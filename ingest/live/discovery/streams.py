"""The streams of a camera, as its ONVIF media service names them."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Final

from contracts.errors import CredentialsRefusedError, SourceError
from contracts.parsing.addresses import HostPort
from contracts.redaction import redact

_TIMEOUT_S: Final = 15.0
_MOST: Final = 32
_SETUP: Final = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}


@dataclass(frozen=True, slots=True)
class CameraStream:
    """One profile. uri: without user name and password. fps: None if it does not say."""

    profile: str
    uri: str
    codec: str
    width: int | None
    height: int | None
    fps: float | None


def camera_streams(service: HostPort, user: str, password: str) -> list[CameraStream]:
    """Return the streams of the camera at `service`. Blocks for some seconds.

    user: "" asks without a login. Raises CredentialsRefusedError, and SourceError if it does not
    answer, speaks no ONVIF, or the extra onvif is not installed.
    """
    try:
        import onvif  # noqa: F401, PLC0415
    except ModuleNotFoundError as exc:
        raise SourceError(
            "the library for ONVIF is not installed", hint="Install moodline[onvif]"
        ) from exc
    for name in ("zeep", "onvif", "httpx"):  # They log each message, with digests of passwords.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return asyncio.run(_within_time(service, user, password))


async def _within_time(service: HostPort, user: str, password: str) -> list[CameraStream]:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await _streams(service, user, password)
    except TimeoutError as exc:
        raise SourceError(f"{service} did not answer within {_TIMEOUT_S:.0f} s") from exc
    except SourceError:
        raise
    except Exception as exc:  # Of four libraries, and of what a camera may answer to them.
        reason = redact(" ".join(str(exc).split()))[:200]
        if any(word in reason.lower() for word in ("authori", "401", "credential", "forbidden")):
            raise CredentialsRefusedError(
                f"{service} refuses the user name and password", hint="Give them with --user"
            ) from exc
        raise SourceError(f"{service} does not answer as an ONVIF camera", detail=reason) from exc


async def _streams(service: HostPort, user: str, password: str) -> list[CameraStream]:
    from onvif import ONVIFCamera  # noqa: PLC0415

    # nat_override: services are asked at this address, whatever the camera says theirs is: it must
    # not send the login elsewhere. adjust_time: digests have the camera's time.
    camera = ONVIFCamera(
        service.host,
        service.port,
        user,
        password,
        nat_override=True,
        adjust_time=bool(user),
    )
    try:
        await camera.update_xaddrs()
        media = await camera.create_media_service()
        streams = []
        for profile in (await media.GetProfiles())[:_MOST]:
            answer = await media.GetStreamUri(
                {"StreamSetup": _SETUP, "ProfileToken": profile.token}
            )
            streams.append(_stream(profile, str(answer.Uri)))
        return streams
    finally:
        await camera.close()


def _stream(profile: Any, uri: str) -> CameraStream:
    video = profile.VideoEncoderConfiguration
    size = video and video.Resolution
    rate = video and video.RateControl
    return CameraStream(
        profile=str(profile.Name or profile.token),
        uri=uri,
        codec=str(video.Encoding) if video else "",
        width=int(size.Width) if size else None,
        height=int(size.Height) if size else None,
        fps=float(rate.FrameRateLimit) if rate else None,
    )

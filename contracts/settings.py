"""All settings, with their bounds: read and checked once at start, then passed down as values.

docs/reference/settings.md lists them. Over 300 lines, because each setting stands here once.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, PlainValidator, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSettingError

from contracts.errors import SettingsError
from contracts.parsing.addresses import HostPort
from contracts.parsing.mqtt_server import MqttServer, parse_mqtt_server
from contracts.parsing.plain_messages import plain_message
from contracts.parsing.secret_files import secret_folders
from contracts.parsing.setting_choices import DetectorName, Device, LiveView
from contracts.parsing.setting_values import (
    parse_folders,
    parse_host_port,
    parse_hosts,
    parse_networks,
    parse_origins,
    parse_shared_folders,
    parse_time_zone,
)
from contracts.parsing.unknown_settings import PREFIX, unknown_settings
from contracts.redaction import redact
from contracts.shared_folders import SharedFolders

__all__ = ["DetectorName", "Device", "LiveView", "Settings"]


class Settings(BaseSettings):
    """All settings of moodline. The environment variable of each is MOODLINE_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="MOODLINE_", frozen=True, extra="ignore")

    home: Path = Field(
        default=Path("~/.local/share/moodline"),
        description="Folder of the embedded database and other files of moodline.",
    )
    database_url: str = Field(
        default="", description="SQLAlchemy URL; empty: SQLite in MOODLINE_HOME."
    )
    redis_url: str = Field(
        default="", description="Redis or Valkey URL; empty: each command starts its own broker."
    )
    model: str = Field(
        default="",
        description="Id of an included model, such as `quick`, or folder of another; empty: the "
        "usual one.",
    )
    model_head: str = Field(
        default="",
        description="Head of the model for new runs: fer2013, or ferplus-plain, which names rare "
        "expressions less often; empty: the model card's default.",
    )
    detector: DetectorName = Field(
        default=DetectorName.CENTERFACE, description="Face detector for new runs."
    )
    yunet_file: str = Field(
        default="",
        description="ONNX file of the detector yunet; empty: the one in MOODLINE_HOME.",
    )
    landmarks: bool = Field(
        default=False,
        description="Read landmarks in new runs: how open eyes and mouth are, and 52 blendshapes.",
    )
    landmarks_file: str = Field(
        default="",
        description="MediaPipe's face_landmarker.task, for landmarks; empty: the one in "
        "MOODLINE_HOME.",
    )
    max_frame_side: int = Field(
        default=1280,
        ge=160,
        le=8192,
        description="Longest side of a frame for analysis, pixels; larger frames are scaled down.",
    )
    max_source_megapixels: int = Field(
        default=64,
        ge=1,
        le=67,
        description="Largest frame of a source, million pixels; larger ones are not decoded.",
    )
    decoder_memory_mb: int = Field(
        default=2048,
        ge=256,
        le=65536,
        description="Most MiB of memory that decoding a recording or a picture takes.",
    )
    source_memory_mb: int = Field(
        default=768,
        ge=256,
        le=65536,
        description="Most MiB of memory that reading a live source takes.",
    )
    stream_max_frames: int = Field(
        default=128, ge=2, le=4096, description="Most frames of one run that wait for a worker."
    )
    stream_max_bytes: int = Field(
        default=48 * 2**20,
        ge=2**20,
        le=2**31,
        description="Most bytes of one run in the broker, or in shared memory.",
    )
    batch_frames: int = Field(
        default=32, ge=1, le=256, description="Frames that a worker commits in one transaction."
    )
    lease_s: float = Field(
        default=10.0,
        ge=1.0,
        le=120.0,
        description="Seconds without a heartbeat after which a run goes to another process.",
    )
    max_attempts: int = Field(
        default=3,
        ge=1,
        le=20,
        description="Worker crashes on one frame after which the frame becomes a dead letter.",
    )
    dead_letter_ttl_s: int = Field(
        default=3600,
        ge=0,
        le=7 * 86400,
        description="Seconds to keep a dead letter's bytes in broker memory; 0: do not keep them.",
    )
    uncertain_below: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="Confidence below which a face is uncertain; empty: the model card's value.",
    )
    smoothing_s: float = Field(
        default=0.4,
        ge=0.0,
        le=10.0,
        description="Time constant of the smoothing of a track's probabilities, seconds.",
    )
    window_s: float = Field(
        default=2.0,
        ge=0.0,
        le=60.0,
        description="Seconds around each moment from which a recording's expressions are read; "
        "0: from the past only, as live sources.",
    )
    hold_s: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="Seconds after which a steady face is looked for and read again; it keeps its "
        "reading in the frames between. 0: read in every frame.",
    )
    min_face_px: int = Field(
        default=24,
        ge=12,
        le=512,
        description="Shortest side of a face to detect, pixels of the source.",
    )
    keep_static: bool = Field(
        default=False,
        description="Count still faces, too: for recordings of photos, or of people who sleep.",
    )
    failpoint: str = Field(
        default="",
        pattern=r"^([a-z-]+(:\d*(:(kill|freeze)?)?)?)?$",
        description="For tests: NAME:N[:freeze] kills or freezes a process at NAME, the Nth time.",
    )
    stall_s: float = Field(
        default=60.0,
        ge=5.0,
        le=3600.0,
        description="Seconds after which a stuck worker or decoder ends itself and is restarted.",
    )
    shared_folders: Annotated[SharedFolders, NoDecode, PlainValidator(parse_shared_folders)] = (
        Field(
            default=SharedFolders(),
            description="NAME=/FOLDER[,NAME=/FOLDER]: folders that other hosts know by the "
            "same name.",
        )
    )
    health: Annotated[HostPort | None, NoDecode, PlainValidator(parse_host_port)] = Field(
        default=None,
        description="HOST:PORT on which a service answers /healthz, /readyz, /metrics; "
        "empty: none.",
    )
    health_token: str = Field(
        default="",
        repr=False,
        description="Bearer token for /metrics; required unless MOODLINE_HEALTH is loopback.",
    )
    secret_key: str = Field(
        default="",
        repr=False,
        description="Key that encrypts credentials in the database; empty: a key file in "
        "MOODLINE_HOME.",
    )
    live_view: LiveView = Field(
        default=LiveView.BLURRED,
        description="How a live source's newest frame is shown: blurred (its faces), clear, or "
        "off.",
    )
    live_colour: bool = Field(
        default=True, description="Whether colour travels for the pictures of live sources."
    )
    uploads: str = Field(
        default="", description="Folder of uploaded recordings; empty: uploads in MOODLINE_HOME."
    )
    recording_folders: Annotated[tuple[Path, ...], NoDecode, PlainValidator(parse_folders)] = Field(
        default=(),
        description="/FOLDER[,/FOLDER]: folders that the dashboard may queue and play, besides "
        "watched and shared ones.",
    )
    max_upload_gb: float = Field(
        default=20.0, gt=0.0, le=10_000.0, description="Largest recording to upload, GB."
    )
    user_upload_quota_gb: float = Field(
        default=50.0, ge=0.0, le=1e6, description="Most GB of uploads of one user; 0: no limit."
    )
    upload_quota_gb: float = Field(
        default=200.0, ge=0.0, le=1e6, description="Most GB of uploads of all users; 0: no limit."
    )
    min_free_gb: float = Field(
        default=1.0,
        ge=0.0,
        le=10_000.0,
        description="GB of free disk space that uploads, annotated copies and exports leave.",
    )
    keep_uploads_days: int = Field(
        default=7,
        ge=-1,
        le=36500,
        description="Days to keep an analysed upload; 0: delete it at once; -1: no limit.",
    )
    source_hosts: Annotated[tuple[str, ...], NoDecode, PlainValidator(parse_hosts)] = Field(
        default=(),
        description="HOST[,HOST]: hosts that are opened as cameras without the SSRF guard.",
    )
    alert_hosts: Annotated[tuple[str, ...], NoDecode, PlainValidator(parse_hosts)] = Field(
        default=(),
        description="HOST[,HOST]: hosts in private networks to which alerts may be sent.",
    )
    mqtt_url: Annotated[MqttServer | None, NoDecode, PlainValidator(parse_mqtt_server)] = Field(
        default=None,
        repr=False,
        description="mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT] of the MQTT broker to which the "
        "scheduler publishes live sources; empty: none.",
    )
    mqtt_password: str = Field(
        default="",
        repr=False,
        description="Password for MOODLINE_MQTT_URL, if it is not in the URL.",
    )
    mqtt_ca: str = Field(
        default="",
        description="PEM file of the authority that signed the MQTT broker's certificate; empty: "
        "those of the system.",
    )
    mqtt_prefix: str = Field(
        default="moodline",
        pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,7}$",
        description="First levels of all MQTT topics of this system.",
    )
    mqtt_discovery: str = Field(
        default="homeassistant",
        pattern=r"^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,7})?$",
        description="Home Assistant's discovery prefix; empty: describe no devices.",
    )
    mqtt_commands: bool = Field(
        default=False,
        description="Whether sources may be paused over MQTT, by whoever can publish to the "
        "broker.",
    )
    dashboard_password: str = Field(
        default="",
        repr=False,
        description="Password of the user `admin`, in addition to the users of `moodline user`.",
    )
    dashboard_proxies: Annotated[tuple[str, ...], NoDecode, PlainValidator(parse_networks)] = Field(
        default=("127.0.0.1",),
        description="ADDRESS[,NETWORK]: proxies whose X-Forwarded-* headers are trusted.",
    )
    embed_origins: Annotated[tuple[str, ...], NoDecode, PlainValidator(parse_origins)] = Field(
        default=(),
        description="https://SITE[,https://SITE]: sites that may show /embed/trends in a frame; "
        "empty: none.",
    )
    dashboard_tls_cert: str = Field(
        default="",
        description="PEM file of the dashboard's certificate, for HTTPS without a proxy; empty: "
        "HTTP.",
    )
    dashboard_tls_key: str = Field(
        default="", description="PEM file of that certificate's key, without a passphrase."
    )
    timezone: Annotated[ZoneInfo, NoDecode, PlainValidator(parse_time_zone)] = Field(
        default=ZoneInfo("UTC"),
        description="IANA time zone of cron expressions, of `moodline trends`, and of times that "
        "are given without an offset.",
    )
    keep_faces_days: int = Field(
        default=90, ge=0, le=36500, description="Days to keep face rows; 0: no limit."
    )
    keep_frames_days: int = Field(
        default=90, ge=0, le=36500, description="Days to keep frame rows; 0: no limit."
    )
    keep_minutes_days: int = Field(
        default=400,
        ge=0,
        le=36500,
        description="Days to keep minute rollups whose rows are deleted; 0: no limit.",
    )
    keep_rollups_days: int = Field(
        default=0, ge=0, le=36500, description="Days to keep all other rollups; 0: no limit."
    )
    keep_alerts_days: int = Field(
        default=365, ge=0, le=36500, description="Days to keep events of alerts; 0: no limit."
    )
    keep_audit_days: int = Field(
        default=365, ge=0, le=36500, description="Days to keep the audit; 0: no limit."
    )
    umask: str = Field(
        default="077",
        pattern=r"^0?0[0-7]{2}$",
        description="Permissions, octal, that others do not get: 077 is private, 027 lets the "
        "group read.",
    )
    log_level: Literal["", "DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="",
        description="DEBUG, INFO, WARNING or ERROR; empty: INFO in services, WARNING in commands.",
    )

    @classmethod
    def read(cls) -> Self:
        """Return the settings of the environment and of the secret files (secret_files.py).

        Raises SettingsError, naming each bad one.
        """
        secrets = secret_folders()
        try:
            # mypy knows the arguments of the fields only.
            return cls(_secrets_dir=secrets)  # type: ignore[call-arg]
        except UnreadableSettingError as exc:
            raise SettingsError(
                f"a secret file cannot be read ({exc.__cause__})",
                hint="Let the user that runs moodline read it, as UTF-8 text",
            ) from exc
        except ValidationError as exc:
            problems = "; ".join(
                f"MOODLINE_{str(error['loc'][0]).upper()}: {plain_message(error)}"
                for error in exc.errors()
            )
            raise SettingsError(
                redact(problems), hint="See docs/reference/settings.md for valid values"
            ) from exc

    @classmethod
    def unknown(cls) -> list[str]:
        """Return a line for each variable and secret file that looks like a setting and is none."""
        known = {f"{PREFIX}{name.upper()}" for name in cls.model_fields}
        return unknown_settings(os.environ, secret_folders(), known)

    @property
    def home_path(self) -> Path:
        return self.home.expanduser()

    @property
    def yunet_path(self) -> Path:
        """The file of the detector yunet, whether or not it is there."""
        own = self.home_path / "detectors" / "yunet.onnx"
        return Path(self.yunet_file).expanduser() if self.yunet_file else own

    @property
    def landmarks_path(self) -> Path:
        """The file of the landmarks' networks, whether or not it is there."""
        own = self.home_path / "detectors" / "face_landmarker.task"
        return Path(self.landmarks_file).expanduser() if self.landmarks_file else own

    @property
    def mqtt_server(self) -> MqttServer | None:
        """The MQTT broker with its password and authority; None if none is set."""
        server = self.mqtt_url
        if server is None:
            return None
        password = self.mqtt_password or server.password
        return replace(server, password=password, ca_file=self.mqtt_ca)

    @property
    def min_free_bytes(self) -> int:
        return round(self.min_free_gb * 1e9)

    @property
    def uploads_path(self) -> Path:
        return Path(self.uploads).expanduser() if self.uploads else self.home_path / "uploads"

    @property
    def effective_database_url(self) -> str:
        """The given URL, or the embedded SQLite file's."""
        # In an URL, a ? would begin the parameters, and %41 would be an A.
        path = str(self.home_path / "moodline.db").replace("%", "%25").replace("?", "%3F")
        return self.database_url or f"sqlite:///{path}"

"""Every setting, with its bounds. Read once in main() and passed down; see docs/settings.md."""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import SettingsError
from contracts.redaction import redact


class DetectorName(StrEnum):
    """The face detectors that a run can be pinned to."""

    HAAR = "haar"
    HAAR_EQUALIZED = "haar-equalized"


class Device(StrEnum):
    """What a worker classifies on. auto: a GPU where one can be used, else the CPU."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"


class LiveView(StrEnum):
    """What is shown of a live source's newest picture."""

    BLURRED = "blurred"
    CLEAR = "clear"
    OFF = "off"


class Settings(BaseSettings):
    """All of moodline's settings; each is MOODLINE_<NAME> in the environment."""

    model_config = SettingsConfigDict(env_prefix="MOODLINE_", frozen=True, extra="ignore")

    home: Path = Field(
        default=Path("~/.local/share/moodline"),
        description="Where the embedded database lives.",
    )
    database_url: str = Field(
        default="", description="SQLAlchemy URL; empty: SQLite in MOODLINE_HOME."
    )
    redis_url: str = Field(
        default="", description="Redis or Valkey URL; empty: an embedded broker per command."
    )
    model: str = Field(
        default="", description="Folder of a model artifact; empty: the one that is shipped."
    )
    model_head: str = Field(
        default="",
        description="The model's head that new runs record; empty: the one its card names.",
    )
    detector: DetectorName = Field(
        default=DetectorName.HAAR, description="The face detector of new runs."
    )
    max_frame_side: int = Field(
        default=1280,
        ge=160,
        le=8192,
        description="Frames are scaled to at most this many pixels a side before analysis.",
    )
    stream_max_frames: int = Field(
        default=64, ge=2, le=4096, description="Frames that a run may have in the broker."
    )
    stream_max_bytes: int = Field(
        default=48 * 2**20,
        ge=2**20,
        le=2**31,
        description="Bytes that a run may have in the broker.",
    )
    batch_frames: int = Field(
        default=16, ge=1, le=256, description="Frames that a worker commits in one transaction."
    )
    lease_s: float = Field(
        default=10.0,
        ge=1.0,
        le=120.0,
        description="How long a silent worker or ingestor keeps a run.",
    )
    max_attempts: int = Field(
        default=3,
        ge=1,
        le=20,
        description="Crashes on one frame before it is set aside as a dead letter.",
    )
    dead_letter_ttl_s: int = Field(
        default=3600,
        ge=0,
        le=7 * 86400,
        description="How long a dead letter's bytes stay in broker memory; 0 keeps none.",
    )
    uncertain_below: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="Confidence below which a face is uncertain; empty: the model card's.",
    )
    smoothing_s: float = Field(
        default=0.4, ge=0.0, le=10.0, description="Time constant of the smoothing per track."
    )
    min_face_px: int = Field(
        default=24, ge=12, le=512, description="Smallest face side looked for, display pixels."
    )
    failpoint: str = Field(
        default="",
        description="For tests: NAME:N[:freeze] kills, or stops, a process the N-th time there.",
    )
    stall_s: float = Field(
        default=60.0,
        ge=5.0,
        le=3600.0,
        description="A worker or decoder that is stuck for that long ends, to be started again.",
    )
    shared_folders: str = Field(
        default="",
        description="NAME=/FOLDER[,NAME=/FOLDER]: folders that other hosts know by the same name.",
    )
    health: str = Field(
        default="",
        description="HOST:PORT where a service answers /healthz, /readyz, /metrics; empty: none.",
    )
    health_token: str = Field(
        default="",
        description="Bearer token that /metrics asks for; needed beyond loopback.",
    )
    secret_key: str = Field(
        default="",
        description="Seals credentials in the database; empty: a key file in MOODLINE_HOME.",
    )
    live_view: LiveView = Field(
        default=LiveView.BLURRED,
        description="The newest picture of each live source, in broker memory for 5 s: blurred "
        "(its faces), clear, or off.",
    )
    uploads: str = Field(
        default="",
        description="Folder of recordings sent to the dashboard; empty: uploads in MOODLINE_HOME.",
    )
    max_upload_gb: float = Field(
        default=20.0, gt=0.0, le=10_000.0, description="Largest recording that can be sent, GB."
    )
    keep_uploads_days: int = Field(
        default=7,
        ge=-1,
        le=36500,
        description="Days that they are kept once analysed; 0: not at all; -1: for ever.",
    )
    source_hosts: str = Field(
        default="",
        description="HOST[,HOST]: hosts that the page Sources may name although they are this one.",
    )
    dashboard_password: str = Field(
        default="",
        description="Password of the dashboard's user `admin`, beside those of `moodline user`.",
    )
    dashboard_proxies: str = Field(
        default="127.0.0.1",
        description="ADDRESS[,NETWORK]: reverse proxies whose X-Forwarded-* headers are believed.",
    )
    timezone: str = Field(
        default="UTC",
        description="IANA name of the zone for cron expressions and `moodline trends`.",
    )
    keep_faces_days: int = Field(
        default=90, ge=0, le=36500, description="Days that face rows are kept; 0: for ever."
    )
    keep_frames_days: int = Field(
        default=90, ge=0, le=36500, description="Days that frame rows are kept; 0: for ever."
    )
    keep_minutes_days: int = Field(
        default=400,
        ge=0,
        le=36500,
        description="Days that sums by the minute are kept, once their rows are gone; 0: for ever.",
    )
    keep_rollups_days: int = Field(
        default=0, ge=0, le=36500, description="Days that all other sums are kept; 0: for ever."
    )
    log_level: str = Field(
        default="",
        pattern="^(DEBUG|INFO|WARNING|ERROR|)$",
        description="DEBUG, INFO, WARNING or ERROR; empty: INFO in services, else WARNING.",
    )

    @classmethod
    def read(cls) -> Self:
        """The settings of this process's environment. Raises SettingsError, naming each."""
        try:
            return cls()
        except ValidationError as exc:
            problems = "; ".join(
                f"MOODLINE_{str(error['loc'][0]).upper()}: {error['msg']}" for error in exc.errors()
            )
            raise SettingsError(
                redact(problems), hint="See docs/settings.md for what each setting takes"
            ) from exc

    @property
    def allowed_source_hosts(self) -> list[str]:
        """MOODLINE_SOURCE_HOSTS, one by one."""
        return [one.strip() for one in self.source_hosts.split(",") if one.strip()]

    @property
    def home_path(self) -> Path:
        return self.home.expanduser()

    @property
    def uploads_path(self) -> Path:
        return Path(self.uploads).expanduser() if self.uploads else self.home_path / "uploads"

    @property
    def effective_database_url(self) -> str:
        """The given URL, or the embedded SQLite file's."""
        return self.database_url or f"sqlite:///{self.home_path / 'moodline.db'}"

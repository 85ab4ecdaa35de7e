"""Site: the system to which a file is applied."""

from dataclasses import dataclass

from sqlalchemy import Engine

from contracts.settings import Settings
from records.sources.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Site:
    """The settings and the records. actor: the name for the audit."""

    settings: Settings
    engine: Engine
    actor: str

    @property
    def sealer(self) -> Sealer:
        """Seals and opens addresses."""
        return Sealer(self.settings.secret_key, self.settings.home_path)

"""Folders of secret files: settings that stand in files instead of in the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from contracts.errors import SettingsError

SECRETS_VARIABLE: Final = "MOODLINE_SECRETS"
"""Environment variable with the folder of secret files, such as /run/secrets in a container."""

SYSTEMD_VARIABLE: Final = "CREDENTIALS_DIRECTORY"
"""Environment variable in which systemd gives the folder of a unit's credentials."""


def secret_folders(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the folders of secret files, later ones first in force.

    A file's name is that of its setting in lower case, such as moodline_secret_key; a setting in
    the environment goes before its file. Raises SettingsError if a folder does not exist.
    """
    folders = []
    for variable in (SYSTEMD_VARIABLE, SECRETS_VARIABLE):
        if text := environment.get(variable):
            folder = Path(text).expanduser()
            if not folder.is_dir():
                raise SettingsError(
                    f"{variable}: {folder} is not a folder", hint="Create it, or unset the variable"
                )
            folders.append(folder)
    return folders

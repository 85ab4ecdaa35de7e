"""`moodline status` starts quickly: it imports nothing that it does not use."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

UNUSED = {
    *("alembic", "av", "cryptography", "cv2", "dash", "httpx", "numpy", "pandas", "pyarrow"),
    *("redis", "rich.live", "structlog", "tensorflow"),
    *("sqlalchemy.orm", "sqlalchemy.dialects.postgresql"),
}


def test_status_imports_only_what_it_uses(sqlite_with_schema: Path, tmp_path: Path) -> None:
    shutil.copyfile(sqlite_with_schema, tmp_path / "moodline.db")
    code = (
        "import sys; from moodline.cli import main\n"
        "sys.argv = ['moodline', 'status']\n"
        "try: main()\n"
        "except SystemExit as exc: assert not exc.code, exc\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"MOODLINE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "No run in progress" in done.stdout
    assert sorted(UNUSED & set(done.stdout.splitlines()[-1].split())) == []

"""The lines that are printed of a rule's last seven days."""

from datetime import UTC, datetime, timedelta

import pytest

from analytics.alerts.preview import Preview, SourcePreview
from moodline.commands.alerts.rule_report import print_preview
from tests.alerts import rule

UNTIL = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ((None, None), "too little was seen to say how often it would have fired"),
        ((None, 0.1), "In the last 7 days it would not have fired."),
    ],
)
def test_a_quiet_week_is_not_one_in_which_nothing_was_seen(
    capsys: pytest.CaptureFixture[str], points: tuple[float | None, ...], said: str
) -> None:
    source = SourcePreview("door", False, (), points)
    found = Preview(UNTIL - timedelta(days=7), UNTIL, True, (source,), 0)
    print_preview(rule(), found)
    assert said in " ".join(capsys.readouterr().out.split())

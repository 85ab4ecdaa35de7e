"""The browser's name in a user's list of sessions."""

import pytest

from dashboard.web.sign_in.visitor import browser_name

LINUX = "Mozilla/5.0 (X11; Linux x86_64)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            f"{LINUX} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
            "Chrome on Linux",
        ),
        (f"{LINUX} Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Safari/604.1",
            "Safari on iOS",
        ),
        ("curl/8.5", "another program"),
        ("<script>" * 100, "another program"),
        ("", "another program"),
    ],
)
def test_only_known_names_of_browsers_are_shown(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name

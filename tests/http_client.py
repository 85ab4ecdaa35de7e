"""Requests to a dashboard as a user signed in, or not, without a browser."""

import http.client
import json
import urllib.parse
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 60
PASSWORD = "correct horse battery"


def ask(
    address: str, path: str, method: str = "GET", body: str = "", **headers: str
) -> http.client.HTTPResponse:
    """Send one request and return its response. headers: with "_" instead of "-"."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=TIMEOUT_S)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(
        method, path, body=body or None, headers={"Content-Length": str(len(body))} | given
    )
    return connection.getresponse()


def sign_in(address: str, name: str, password: str, after: str = "") -> http.client.HTTPResponse:
    """Send the sign-in form. after: the page to go to next."""
    body = urllib.parse.urlencode({"name": name, "password": password, "next": after})
    return ask(address, "/login", "POST", body, Content_Type="application/x-www-form-urlencoded")


def cookie_of(answer: http.client.HTTPResponse) -> str:
    """The session cookie of a response, as a request header."""
    return (answer.getheader("set-cookie") or "").partition(";")[0]


def json_of(answer: http.client.HTTPResponse) -> Any:
    """Return the parsed body."""
    return json.loads(answer.read())


def post(address: str, route: str, cookie: str, /, **values: object) -> http.client.HTTPResponse:
    """Send values as JSON."""
    body = json.dumps(values)
    return ask(address, route, "POST", body, Cookie=cookie, Content_Type="application/json")


def cookies_of(answer: http.client.HTTPResponse) -> dict[str, str]:
    """Return the cookies that the response sets, by name."""
    lines = answer.headers.get_all("set-cookie") or []
    return dict(line.partition(";")[0].split("=", 1) for line in lines)

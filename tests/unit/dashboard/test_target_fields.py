"""The fields of a target, and the address that they make."""

import pytest

from contracts.errors import AlertError
from dashboard.alerts.target_fields import EditedTarget, TargetFields

MQTT = {"way": "mqtt", "server": "broker:8883"}
MAIL = {"way": "email", "server": "mail.example.com:587", "sender": "m@b.de"}


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"way": "webhook", "url": " https://example.com/x "}, "https://example.com/x"),
        ({"way": "push", "topic": "my-topic"}, "ntfys://ntfy.sh/my-topic"),
        (
            {"way": "push", "topic": "t", "server": "push.example:8443", "password": "tk_/@"},
            "ntfys://tk_%2F%40@push.example:8443/t",
        ),
        (
            MAIL | {"recipients": "x@y.de, z@y.de", "user": "u@b.de", "password": "p/w:@"},
            "mailtos://u%40b.de:p%2Fw%3A%40@mail.example.com:587?smtp=mail.example.com"
            "&from=m%40b.de&to=x%40y.de%2Cz%40y.de&mode=starttls",
        ),
        (
            MAIL | {"recipients": "x@y.de", "encryption": "none", "server": "mail.example.com"},
            "mailto://mail.example.com?smtp=mail.example.com&from=m%40b.de&to=x%40y.de"
            "&mode=insecure",
        ),
        (
            {
                "way": "mqtt",
                "server": "broker:8883",
                "user": "u",
                "password": "p@/",
                "topic": "a/b",
            },
            "mqtts://u:p%40%2F@broker:8883/a/b",
        ),
        ({"way": "mqtt", "server": "b", "encryption": "none"}, "mqtt://b/moodline/alerts"),
    ],
)
def test_an_address_is_made_of_the_fields(given: dict[str, str], address: str) -> None:
    assert TargetFields.model_validate(given).address() == address


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"way": "push", "topic": "two words"}, "topic"),
        ({"way": "push", "topic": "x", "server": "a/b@c"}, "server"),
        ({"way": "mqtt", "server": ""}, "server"),
        (
            {"way": "email", "server": "mail host", "sender": "a@b.de", "recipients": "c@d.de"},
            "server",
        ),
        (MAIL | {"recipients": "nobody"}, "recipients"),
        (MAIL | {"recipients": "a@b.de,"}, "recipients"),
        (MAIL | {"sender": "a b@c.de", "recipients": "a@b.de"}, "sender"),
    ],
)
def test_a_wrong_field_is_named(given: dict[str, str], field: str) -> None:
    with pytest.raises(AlertError) as raised:
        TargetFields.model_validate(given).address()
    assert raised.value.field == field


def test_an_edit_without_an_address_is_empty_whatever_is_chosen() -> None:
    edited = {"of": "a", "name": "b", "way": "email", "encryption": "tls", "new_secret": True}
    assert EditedTarget.model_validate(edited).is_empty
    assert not EditedTarget.model_validate(edited | {"password": "x"}).is_empty

"""The fields of a target, as the form asks for them, and the address that they make."""

import re
from typing import Annotated, Final, Literal
from urllib.parse import quote, urlencode

from pydantic import BaseModel, Field

from contracts.alerts.rule import MAX_NAME_LENGTH
from contracts.alerts.target import DEFAULT_TOPIC, MAX_ADDRESS_LENGTH
from contracts.errors import AlertError

Name = Annotated[str, Field(max_length=MAX_NAME_LENGTH)]
Part = Annotated[str, Field(max_length=300)]
Way = Literal["webhook", "push", "email", "mqtt", "service"]
_PLACE: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_TOPIC: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAIL: Final = re.compile(r"[^\s,@]+@[^\s,@]+\.[^\s,@]+")
_PUSH_SERVER: Final = "ntfy.sh"


class TargetFields(BaseModel):
    """Where messages go, without a name. Each way has fields of its own; the others are "".

    url: of a webhook or of Apprise ("service"). server: host and port of a broker, of a mail
    server, or of ntfy. encryption: of the connection to it.
    """

    way: Way
    url: Annotated[str, Field(max_length=MAX_ADDRESS_LENGTH)] = ""
    server: Part = ""
    encryption: Literal["", "starttls", "tls", "none"] = ""
    topic: Part = ""
    user: Part = ""
    password: Part = ""
    sender: Part = ""
    recipients: Annotated[str, Field(max_length=1000)] = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was entered."""
        given = self.model_dump(include={"url", "server", "topic", "user", "password"})
        return not any((*given.values(), self.sender, self.recipients))

    def address(self) -> str:
        """Return the address as AlertTarget takes it. Raises AlertError, which names a field."""
        make = {"push": self._push, "email": self._email, "mqtt": self._mqtt}.get(self.way)
        return self.url.strip() if make is None else make()

    def _push(self) -> str:
        topic = self.topic.strip()
        if not _TOPIC.fullmatch(topic):
            raise AlertError(
                "topic", f"{topic!r} is not a topic of ntfy", "Use letters, digits, _ and -"
            )
        scheme = "ntfy" if self.encryption == "none" else "ntfys"
        login = f"{quote(self.password, safe='')}@" if self.password else ""
        return f"{scheme}://{login}{self._server(_PUSH_SERVER)}/{topic}"

    def _email(self) -> str:
        sender = self._mail("sender", self.sender)
        recipients = [self._mail("recipients", one) for one in self.recipients.split(",")]
        mode = {"none": "insecure", "tls": "ssl"}.get(self.encryption, "starttls")
        place = self._server("")
        host, _, port = place.rpartition(":") if _has_port(place) else (place, "", "")
        more = {"smtp": host, "from": sender, "to": ",".join(recipients), "mode": mode}
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        scheme = "mailto" if mode == "insecure" else "mailtos"
        return f"{scheme}://{login}{host}{port and ':'}{port}?{urlencode(more)}"

    def _mqtt(self) -> str:
        scheme = "mqtt" if self.encryption == "none" else "mqtts"
        login = quote(self.user, safe="")
        if self.password:
            login += f":{quote(self.password, safe='')}"
        topic = self.topic.strip() or DEFAULT_TOPIC
        return f"{scheme}://{login}{login and '@'}{self._server('')}/{topic}"

    def _server(self, usual: str) -> str:
        server = self.server.strip() or usual
        if not _PLACE.fullmatch(server):
            raise AlertError(
                "server", f"{server!r} is not HOST or HOST:PORT", "For example mail.example.com:587"
            )
        return server

    @staticmethod
    def _mail(field: str, text: str) -> str:
        if not _MAIL.fullmatch(text.strip()):
            raise AlertError(
                field, f"{text.strip()!r} is not a mail address", "For example ana@example.com"
            )
        return text.strip()


class NewTarget(TargetFields):
    """A target to add."""

    name: Name


class EditedTarget(NewTarget):
    """A target by its present name `of`, and what it becomes.

    Without any other field its address stays. new_secret: sign webhooks with another secret.
    """

    of: Name
    new_secret: bool = False


def _has_port(place: str) -> bool:
    return bool(re.search(r"[^:]:[0-9]+$", place)) and not place.endswith("]")

"""The checks of a target of alerts before it is stored."""

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from contracts.alerts.events import TargetKind
from contracts.alerts.target import AlertTarget, mqtt_address, webhook_parts
from contracts.errors import AlertError
from contracts.settings import Settings
from records.alerts.targets import new_secret
from runtime.network.webhook_hosts import check_webhook_host


def kind_of(address: str) -> TargetKind:
    """Return the kind of target that an address is of."""
    scheme = address.partition("://")[0].lower()
    if scheme in {"http", "https"}:
        return TargetKind.WEBHOOK
    if scheme in {"mqtt", "mqtts"}:
        return TargetKind.MQTT
    return TargetKind.APPRISE


def understood_address(address: str) -> str:
    """Return the address; of a web address that a chat service gave out, Apprise's own URL for it.

    Slack, Discord, Teams and others refuse what a webhook of moodline sends.
    """
    if kind_of(address) is not TargetKind.WEBHOOK:
        return address
    service = _service(address)
    return address if service is None else str(service.url())


def checked_target(
    settings: Settings, name: str, address: str, *, private: bool, secret: str
) -> AlertTarget:
    """Return the target. secret: signs webhooks; others have none. Raises AlertError.

    private: whether the owner of this host names it, so that it may be in a private network.
    """
    address = understood_address(address)
    kind = kind_of(address)
    target = AlertTarget(name, kind, address, secret if kind is TargetKind.WEBHOOK else "", private)
    if kind is TargetKind.WEBHOOK:
        host = webhook_parts(address).hostname or ""
        check_webhook_host(host, named=private, allowed=settings.alert_hosts)
    elif kind is TargetKind.MQTT and not private:
        server, _ = mqtt_address(address)
        check_webhook_host(server.host, allowed=allowed_hosts(settings, kind))
    elif kind is TargetKind.APPRISE:
        _check_service(address, settings, private=private)
    return target


def changed_target(
    settings: Settings, known: AlertTarget, *, name: str, address: str | None, renew: bool
) -> AlertTarget:
    """Return a target with another name, address or secret, as a user wants it. Raises AlertError.

    address: None: its own stays. renew: whether a webhook is signed with a new secret.
    """
    secret = new_secret() if renew or not known.secret else known.secret
    if address is not None:
        return checked_target(settings, name, address, private=False, secret=secret)
    return replace(known, name=name, secret=secret if known.kind is TargetKind.WEBHOOK else "")


def allowed_hosts(settings: Settings, kind: TargetKind) -> tuple[str, ...]:
    """Return the hosts in private networks that the owner of this host named."""
    if kind is TargetKind.MQTT and settings.mqtt_url is not None:
        return (*settings.alert_hosts, settings.mqtt_url.host)
    return settings.alert_hosts


def _check_service(address: str, settings: Settings, *, private: bool) -> None:
    """Raises AlertError if Apprise cannot use the URL, or its server is in a private network."""
    if not _has_apprise():
        return
    service = _service(address)
    if service is None:
        raise AlertError(
            "url",
            "Apprise does not know it, or something in it is not valid",
            "See github.com/caronc/apprise, which has the form of each service",
        )
    names_host = any("{host}" in one for one in service.templates)
    host = getattr(service, "smtp_host", "") or (service.host if names_host else "")
    if host and not private:  # Where it connects to is checked again when it does.
        check_webhook_host(host.strip("[]"), allowed=settings.alert_hosts)


def _has_apprise() -> bool:
    return find_spec("apprise") is not None


def _service(address: str) -> Any:
    """Return Apprise's service for a URL; None if it has none, or is not installed here."""
    if not _has_apprise():
        return None
    import apprise  # noqa: PLC0415  It has 130 plug-ins.

    return apprise.Apprise.instantiate(address, suppress_exceptions=True)

"""The checks of a target of alerts before it is stored."""

from contracts.alerts.events import TargetKind
from contracts.alerts.target import AlertTarget, webhook_parts
from contracts.errors import AlertError
from contracts.settings import Settings
from moodline.delivery.senders import check_apprise
from runtime.network.webhook_hosts import check_webhook_host


def kind_of(address: str) -> TargetKind:
    """Return the kind of target that an address is of."""
    if address.startswith(("http://", "https://")):
        return TargetKind.WEBHOOK
    if address.startswith(("mqtt://", "mqtts://")):
        return TargetKind.MQTT
    return TargetKind.APPRISE


def checked_target(
    settings: Settings, name: str, address: str, *, private: bool, secret: str
) -> AlertTarget:
    """Return the target. secret: of a webhook. Raises AlertError.

    private: whether its owner names it although it is in a private network.
    """
    kind = kind_of(address)
    target = AlertTarget(name, kind, address, secret, private)
    if kind is TargetKind.WEBHOOK:
        host = webhook_parts(address).hostname or ""
        check_webhook_host(host, named=private, allowed=settings.alert_hosts)
    elif kind is TargetKind.APPRISE and (reason := check_apprise(address)):
        raise AlertError("url", reason, "https://github.com/caronc/apprise/wiki lists them")
    return target

"""Senders: how a message gets to a target of each kind."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from contracts.alerts.events import EventKind, TargetKind
from contracts.alerts.rule import Severity
from contracts.alerts.target import AlertTarget, mqtt_address
from contracts.errors import MoodlineError
from contracts.redaction import redact
from contracts.settings import Settings
from moodline.delivery.messages import Message
from moodline.delivery.retries import Outcome
from moodline.delivery.webhook import send_webhook
from runtime.network.connection_guard import REFUSAL, guarded_connections
from runtime.process_identity import claimant_name
from runtime.visible_text import visible
from serving.alert_targets import allowed_hosts

Send = Callable[[AlertTarget, Message, datetime], Outcome]
"""Attempts to deliver a message at this time. It raises nothing."""

_MQTT_TIMEOUT_S: Final = 10.0
_MAX_TEXT: Final = 200


def sender(settings: Settings) -> Send:
    """Return how messages are sent to targets of all kinds."""

    def send(target: AlertTarget, message: Message, now: datetime) -> Outcome:
        if target.kind is TargetKind.WEBHOOK:
            return send_webhook(target, message, now, allowed=settings.alert_hosts)
        send_it = _send_mqtt if target.kind is TargetKind.MQTT else _send_apprise
        if target.private:
            return send_it(target, message)
        # A user of the dashboard added it.
        allowed = allowed_hosts(settings, target.kind)
        with guarded_connections(allowed, threads=target.kind is TargetKind.MQTT) as guard:
            outcome = send_it(target, message)
        return Outcome(False, REFUSAL) if guard.refused and not outcome.ok else outcome

    return send


def _send_mqtt(target: AlertTarget, message: Message) -> Outcome:
    """Publish the JSON of a message, not retained: it is an event and no state."""
    try:
        from runtime.mqtt.connection import deliver
        from runtime.mqtt.messages import MqttMessage
    except ModuleNotFoundError:
        return Outcome(False, "MQTT is not installed here. Install moodline[mqtt]")
    try:
        server, topic = mqtt_address(target.address)
        client_id = f"moodline-alerts-{claimant_name()}"[:120]
        deliver(server, client_id, [MqttMessage(topic, message.body.encode())], _MQTT_TIMEOUT_S)
    except MoodlineError as exc:
        return Outcome(False, exc.line()[:_MAX_TEXT])
    except (OSError, ValueError) as exc:
        return Outcome(False, visible(redact(str(exc)))[:_MAX_TEXT])
    return Outcome(True, "the broker has it")


def _send_apprise(target: AlertTarget, message: Message) -> Outcome:
    """Send the text of a message by e-mail, push, chat and what else Apprise knows."""
    try:
        import apprise
    except ModuleNotFoundError:
        return Outcome(False, "Apprise is not installed here. Install moodline[alerts]")
    service = apprise.Apprise.instantiate(target.address, suppress_exceptions=True)
    if service is None:
        return Outcome(False, "Apprise does not know this URL, or something in it is not valid")
    captured: Any = apprise.LogCapture(level=logging.WARNING, fmt="%(message)s")  # type: ignore[no-untyped-call]
    with captured as log:
        try:
            sent = service.notify(
                body=message.text, title=message.title, notify_type=_notify_type(message)
            )
        except Exception as exc:  # noqa: BLE001  (each of its 130 plugins may raise anything)
            return Outcome(False, visible(redact(f"{type(exc).__name__}: {exc}"))[:_MAX_TEXT])
        said = log.getvalue().strip().splitlines()
    if sent:
        return Outcome(True, "sent by Apprise")
    return Outcome(
        False, visible(redact(said[-1] if said else "Apprise did not say why"))[:_MAX_TEXT]
    )


def _notify_type(message: Message) -> str:
    if message.kind is EventKind.RESOLVED:
        return "success"
    return {Severity.CRITICAL: "failure", Severity.WARNING: "warning"}.get(
        Severity(message.severity), "info"
    )

"""Delivery: the events of alerts go out to webhooks, MQTT and what Apprise knows.

The outbox in the records (records/alerts/outbox.py) says what is to be delivered; `deliverer` works
it off. docs/decisions/0060 says why it is built like this.
"""

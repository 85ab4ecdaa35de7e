"""Alerts in the records: rules, events, targets, and the outbox of deliveries."""

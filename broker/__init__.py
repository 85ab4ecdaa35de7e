"""The broker (Redis or Valkey): frame streams, leases, heartbeats and live views.

The only package that imports redis. What must survive a restart belongs to `records`.
"""

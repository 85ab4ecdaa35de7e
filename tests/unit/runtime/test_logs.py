"""Logs: credentials are removed, and a service is named."""

import json

import pytest
import structlog

from runtime.logs import configure_logs

URI = "rtsp://me:s3cret@camera.local/s3cret?sid=s3cret"


def test_values_and_tracebacks_hold_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO")
    log = structlog.get_logger()
    try:
        raise ValueError(f"no port in {URI}")
    except ValueError:
        log.exception("source failed", uri=URI, sources=[URI, {"at": URI}], count=3)
    written = capsys.readouterr().err
    event = json.loads(written)
    assert "s3cret" not in written
    assert "ValueError: no port in rtsp://camera.local" in event["exception"]
    assert (event["count"], event["sources"][1]) == (3, {"at": "rtsp://camera.local"})


def test_each_event_of_a_service_holds_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("", service="scheduler")
    structlog.get_logger().info("hello")
    assert json.loads(capsys.readouterr().err)["service"] == "scheduler"

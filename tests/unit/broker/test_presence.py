"""Heartbeat reports: the wire format, and reports of other versions."""

import json

import pytest

from broker.reports import ServiceReport, SourceReport, WorkerReport

WORKER = WorkerReport(
    "w", "host", 1, "cpu", "m@1", runs=("a",), fps=12.5, lag=3, latency_counts=(1, 2)
)


@pytest.mark.parametrize(
    "report",
    [
        WORKER,
        SourceReport("door", "streaming", "", "2026-11-23T09:00:00+00:00", "host"),
        ServiceReport("i", "ingest", "host", 1, "running", "", "2026-11-23T09:00:00+00:00"),
    ],
)
def test_a_report_is_restored(report: WorkerReport | SourceReport | ServiceReport) -> None:
    assert type(report).decode(report.encode()) == report


def test_the_wire_format_is_kept() -> None:
    assert WORKER.encode() == (
        b'{"id": "w", "host": "host", "pid": 1, "device": "cpu", "model": "m@1", "runs": ["a"], '
        b'"fps": 12.5, "lag": 3, "latency_p95_s": null, "latency_counts": [1, 2], '
        b'"refusals": [], "lacks": []}'
    )


def test_fields_of_another_version_are_ignored() -> None:
    values = json.loads(WORKER.encode()) | {"temperature": 60}
    assert WorkerReport.decode(json.dumps(values).encode()) == WORKER


def test_missing_optional_fields_have_defaults() -> None:
    values = {"id": "w", "host": "host", "pid": 1, "device": "cpu", "model": "m@1"}
    decoded = WorkerReport.decode(json.dumps(values).encode())
    assert decoded == WorkerReport("w", "host", 1, "cpu", "m@1")

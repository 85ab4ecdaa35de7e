"""Exporting: the records as the text of a file for `moodline apply`."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from analytics.snapshots import in_snapshot
from moodline.as_code.alert_sections import alert_entry, known_targets, target_entry
from moodline.as_code.document import VERSION
from moodline.as_code.folder_section import folder_entry
from moodline.as_code.live_source_section import source_entry
from moodline.as_code.retention_section import kept_text
from moodline.as_code.site import Site
from records.alerts.rules import list_rules
from records.kept_days import stored_days
from records.sources.live_sources import live_sources
from records.watched_folders import watched_folders

_HEAD: Final = """\
# yaml-language-server: $schema=moodline.schema.json
# `moodline apply FILE` makes a system like this; `moodline apply --schema` prints the schema.
"""
_NOT_SHOWN: Final = "(stays as it is; elsewhere: {env: NAME} or {file: PATH})"


def export_text(site: Site) -> str:
    """Return the document. Addresses that are sealed are left out: they stay as they are.

    Raises DatabaseError, and SourceError or AlertError if something was sealed with another key.
    """
    sources = live_sources(site.engine)
    entries = {one.name: source_entry(site, one) for one in sources}
    targets = known_targets(site)
    comments = {
        ("sources", one.name): f"address: {one.shown_uri} {_NOT_SHOWN}"
        for one in sources
        if "address" not in entries[one.name]
    } | {
        ("targets", name): f"url: {one.shown_address} {_NOT_SHOWN}" for name, one in targets.items()
    }
    document: dict[str, Mapping[str, Any]] = {
        "sources": entries,
        "folders": {one.name: folder_entry(one) for one in watched_folders(site.engine)},
        "retention": {
            name: kept_text(days) for name, days in in_snapshot(site.engine, stored_days).items()
        },
        "targets": {name: target_entry(one) for name, one in targets.items()},
        "alerts": {
            one.rule.name: alert_entry(one.rule) for one in in_snapshot(site.engine, list_rules)
        },
    }
    parts = [_HEAD, f"version: {VERSION}\n"]
    for section, found in document.items():
        if found:
            parts.append(f"\n{section}:\n")
        for name, entry in found.items():
            parts.append(_entry_text(name, entry, comments.get((section, name), "")))
    return "".join(parts)


def _entry_text(name: str, entry: Any, comment: str) -> str:
    """Return one entry as YAML, indented. comment: a line of its own below the name."""
    lines = _yaml({name: entry})
    if isinstance(entry, Mapping) and comment:
        head = _yaml({name: {}})[0]
        lines = [head.removesuffix(" {}") if entry else head, f"  # {comment}"]
        lines += [f"  {line}" for line in _yaml(entry)] if entry else []
    return "".join(f"  {line}\n" for line in lines)


def _yaml(value: Mapping[str, Any]) -> list[str]:
    text = yaml.dump(
        dict(value),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=108,
    )
    return str(text).splitlines()


class _Dumper(yaml.SafeDumper):
    """Writes lists of texts and numbers on one line, as people do, and nothing else."""

    def on_one_line(self, data: list[Any]) -> yaml.SequenceNode:
        plain = not any(isinstance(item, (list, dict)) for item in data)
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=plain)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


_Dumper.add_representer(list, _Dumper.on_one_line)

"""Applying: makes the records as a file says, as a whole or not at all."""

from collections.abc import Sequence

from moodline.as_code.alert_sections import AlertSection, TargetSection
from moodline.as_code.entries import Change, Section, Step, changes_of
from moodline.as_code.folder_section import FolderSection
from moodline.as_code.live_source_section import LiveSourceSection
from moodline.as_code.parsing import ParsedFile
from moodline.as_code.retention_section import RetentionSection
from moodline.as_code.site import Site
from records.database import one_transaction


def apply_file(site: Site, parsed: ParsedFile, *, prune: bool, dry_run: bool) -> Sequence[Change]:
    """Make the records as the file says, and return the changes, in their order.

    prune: remove what the file does not have, in the sections that it has. dry_run: try all, and
    take it back. Raises ConfigFileError, after which nothing has changed, and DatabaseError.
    """
    done: list[Change] = []
    with one_transaction(site.engine) as connection:
        for change in _planned(site, parsed, prune=prune):
            change.apply()
            done.append(change)
        if dry_run:
            connection.rollback()
    return done


def _planned(site: Site, parsed: ParsedFile, *, prune: bool) -> list[Change]:
    """Return all changes. Rules refer to sources and targets: these come first and go last."""
    document = parsed.document
    sections: list[tuple[Section, object]] = [
        (LiveSourceSection(site, parsed), document.sources),
        (FolderSection(site, parsed), document.folders),
        (RetentionSection(site, parsed), document.retention),
        (TargetSection(site, parsed), document.targets),
        (AlertSection(site, parsed), document.alerts),
    ]
    changes = [
        change
        for section, given in sections
        for change in changes_of(section, prune=prune and given is not None)
    ]
    kept = [change for change in changes if change.step is not Step.REMOVE]
    removed = [change for change in changes if change.step is Step.REMOVE]
    return [*kept, *reversed(removed)]

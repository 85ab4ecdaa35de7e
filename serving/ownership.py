"""Ownership: which users may change an upload, and play the recording of a run.

An operator sees, resumes and deletes their own uploads only, and plays, cancels or retries only
the runs of those. An admin may do all of it. Recordings in folders belong to all operators.
"""

from collections.abc import Collection, Set

from analytics.runs.run_list import find_runs
from analytics.snapshots import in_snapshot
from contracts.errors import FeatureUnavailableError, NotAllowedError, RunBusyError
from contracts.runs import ENDED_STATES
from records.uploads.stored import StoredUpload, no_such_upload
from serving.access import Account, Role, current_account, require_role
from serving.backend import Backend


def owns_upload(account: Account, upload: StoredUpload) -> bool:
    """Return whether the account may see and change the upload."""
    return account.role.covers(Role.ADMIN) or (
        account.role.covers(Role.OPERATOR) and upload.owner == account.name
    )


def own_upload(backend: Backend, upload_id: str) -> StoredUpload:
    """Return the upload. Raises UploadError if it does not exist or is another user's."""
    account = require_role(Role.OPERATOR)
    upload = backend.recordings.uploads.get(upload_id)
    if not owns_upload(account, upload):
        raise no_such_upload()
    return upload


def owns_run(backend: Backend, run_id: str) -> bool:
    """Return whether the account of the request may play, cancel and retry an existing run."""
    return run_id in own_runs(backend, [run_id])


def own_runs(backend: Backend, run_ids: Collection[str]) -> Set[str]:
    """Return those of the runs that the account of the request may play, cancel and retry."""
    account = current_account()
    if account.role.covers(Role.ADMIN):
        return set(run_ids)
    if not account.role.covers(Role.OPERATOR):
        return set()
    try:
        owners = backend.recordings.upload_owners(run_ids)
    except FeatureUnavailableError:  # A dashboard that takes no recordings has no uploads.
        owners = {}
    return {one for one in run_ids if account.name in owners.get(one, {account.name})}


def require_own_results(backend: Backend, run_id: str) -> None:
    """Raise NotAllowedError unless the account may delete the results of an ended run.

    An admin may, and an operator those of their own uploads. Raises RunNotFoundError, and
    RunBusyError if the run has not ended.
    """
    account = require_role(Role.OPERATOR)
    (run,) = in_snapshot(backend.engine, find_runs, [run_id])
    if not account.role.covers(Role.ADMIN):
        owners = backend.recordings.upload_owners([run_id])
        if account.name not in owners.get(run_id, ()):
            raise NotAllowedError(
                f"the results of {run.source} are not of your uploads",
                hint="Ask an administrator of this moodline installation",
            )
    if run.state not in ENDED_STATES:
        raise RunBusyError(f"{run.source} has not been analysed yet", hint="Cancel it first")


def require_run(backend: Backend, run_id: str) -> Account:
    """Return the account if it may change the run.

    Raises NotAllowedError, and RunNotFoundError: a path is built from the id only if there is such
    a run.
    """
    account = require_role(Role.OPERATOR)
    in_snapshot(backend.engine, find_runs, [run_id])
    if not owns_run(backend, run_id):
        raise NotAllowedError(
            "the recording of this run was uploaded by another user",
            hint="Ask that user, or an administrator of this moodline installation",
        )
    return account

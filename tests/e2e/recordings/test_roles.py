"""The page Recordings: what operators may do, and viewers may not."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from analytics.audit import audit_entries
from analytics.snapshots import in_snapshot
from records.audit_actions import Kind
from records.users.accounts import add_user
from records.users.roles import Role
from tests.e2e.recordings.library import HAPPY, Library
from tests.http_client import PASSWORD, ask, cookie_of, sign_in
from tests.pages import quiet_page, serving
from tests.rows import write_run


def annotated_video(library: Library, run_id: str, clip: Path) -> Path:
    copy = library.settings.uploads_path / "annotated" / f"{run_id}.mp4"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(clip.read_bytes())
    return copy


def test_an_annotated_video_is_deleted_after_confirmation_and_audited(
    page: Page, library: Library, one_face: Path
) -> None:
    write_run(library.engine, "seen", {n: [HAPPY] for n in range(40)}, source="one-face.mp4")
    library.set_recording("seen", one_face)
    copy = annotated_video(library, "seen", one_face)
    page.goto(f"{library.address}/recordings/seen")
    delete = page.get_by_role("button", name="Delete the annotated video")
    delete.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It can be drawn again.")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_have_count(0)
    assert copy.exists()
    delete.click()
    dialog.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("button", name="Draw an annotated video")).to_be_focused()
    assert not copy.exists()
    (entry,) = in_snapshot(library.engine, audit_entries, kind=Kind.RECORDING)
    assert (entry.action, entry.details) == ("annotated copy deleted", {"run": "seen"})
    assert entry.actor == "dashboard on this machine"


def test_only_operators_of_this_site_can_delete_an_annotated_video(
    library: Library, one_face: Path
) -> None:
    write_run(library.engine, "seen", {0: [HAPPY]}, source="one-face.mp4")
    copy = annotated_video(library, "seen", one_face)
    add_user(library.engine, "vic", Role.VIEWER, PASSWORD, actor="test")
    add_user(library.engine, "ola", Role.OPERATOR, PASSWORD, actor="test")
    path = "/api/recordings/run/seen/annotated"
    with serving(library.backend, sign_in=True) as address:
        vic, ola = (cookie_of(sign_in(address, name, PASSWORD)) for name in ("vic", "ola"))
        assert ask(address, path, "DELETE").status == 401
        assert ask(address, path, "DELETE", Cookie=vic).status == 403
        elsewhere = ask(address, path, "DELETE", Cookie=ola, Sec_Fetch_Site="cross-site")
        assert elsewhere.status == 403 and copy.exists()
        unknown = "/api/recordings/run/..%2Fseen/annotated"
        assert ask(address, unknown, "DELETE", Cookie=ola).status in {400, 404, 405}
        assert copy.exists()
        assert ask(address, path, "DELETE", Cookie=ola).status == 200
        assert not copy.exists()
        assert ask(address, path, "DELETE", Cookie=ola).status == 400
    assert [
        one.actor for one in in_snapshot(library.engine, audit_entries) if "copy" in one.action
    ] == ["ola"]


def test_a_viewer_sees_results_but_no_controls_of_an_operator(
    browser: Browser, library: Library, one_face: Path
) -> None:
    write_run(library.engine, "seen", {n: [HAPPY] for n in range(40)}, source="one-face.mp4")
    library.set_recording("seen", one_face)
    add_user(library.engine, "vic", Role.VIEWER, PASSWORD, actor="test")
    add_user(library.engine, "ola", Role.OPERATOR, PASSWORD, actor="test")
    operators = ("#recording-files", ".folder-form", "video", ".copy button", "#erase form")
    with serving(library.backend, sign_in=True) as address:
        for name, sees in (("vic", False), ("ola", True)):
            with browser.new_context() as viewer, quiet_page(viewer, address) as page:
                page.goto(f"{address}/recordings")
                page.get_by_label("Name").fill(name)
                page.get_by_label("Password").fill(PASSWORD)
                page.get_by_role("button", name="Sign in").click()
                expect(page.locator(".runs tbody tr")).to_contain_text("one-face.mp4")
                for control in operators[:2]:
                    expect(page.locator(control)).to_have_count(int(sees))
                page.get_by_role("link", name="one-face.mp4").click()
                expect(page.locator(".lane canvas").first).to_be_visible()
                for control in operators[2:4]:
                    expect(page.locator(control)).to_have_count(int(sees))
                if not sees:
                    expect(page.locator(".empty")).to_contain_text("Only an operator can play it")
                    expect(page.get_by_role("link", name="Records (CSV)")).to_be_visible()
                page.get_by_role("link", name="Sources").click()
                add = page.get_by_role("button", name="Add a source")
                expect(page.locator(".source-list")).to_contain_text("No live source yet")
                expect(add).to_have_count(int(sees))
                page.get_by_role("link", name="System").click()
                expect(page.locator("#erase")).to_contain_text("An admin can erase")
                expect(page.locator(operators[4])).to_have_count(0)

"""Failed sign-ins slow down further attempts, in bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard.web.sign_in.routes import own_path
from dashboard.web.sign_in.throttle import FREE_ATTEMPTS, Throttle


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_failure_after_the_free_ones_doubles_the_wait_up_to_the_limit() -> None:
    clock = Clock()
    throttle = Throttle(60.0, clock)
    waits = []
    for _ in range(FREE_ATTEMPTS + 9):
        waits.append(throttle.wait_s("mara"))
        throttle.fail("mara")
    assert waits == [0.0] * FREE_ATTEMPTS + [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert throttle.wait_s("jon") == 0.0
    clock.now += 30.0
    assert throttle.wait_s("mara") == 30.0
    clock.now += 31.0
    assert throttle.wait_s("mara") == 0.0
    throttle.fail("mara")
    throttle.succeed("mara")
    assert throttle.wait_s("mara") == 0.0


def test_failures_expire_after_an_hour_and_the_number_of_keys_is_bounded() -> None:
    clock = Clock()
    throttle = Throttle(900.0, clock)
    for _ in range(FREE_ATTEMPTS + 20):
        throttle.fail("mara")
    assert throttle.wait_s("mara") == 900.0
    clock.now += 3601.0
    assert throttle.wait_s("mara") == 0.0
    for number in range(30_000):
        throttle.fail(f"{number}")
    assert len(throttle._failures) == 10_000


@given(
    st.text(max_size=60) | st.sampled_from(["//evil", "/\\evil", "http://evil", "/login", "/%2f/"])
)
def test_sign_in_never_leads_to_another_site(target: str) -> None:
    for prefix in ("/", "/moodline/"):
        path = own_path(target, prefix)
        assert path.startswith(prefix) and not path.startswith(("//", "/\\"))
        assert path.isascii() and path.isprintable() and "\r" not in path and "\n" not in path


def test_sign_in_leads_to_the_requested_page() -> None:
    assert own_path("/trends?from=now-7d&to=now", "/") == "/trends?from=now-7d&to=now"
    assert own_path("/m/trends", "/m/") == "/m/trends"
    assert own_path("/other", "/m/") == "/m/"

"""The hosts to which webhooks may be sent: those of the internet, and those that the owner names.

A user of the dashboard must not send requests through this host into its network.
"""

from collections.abc import Collection
from ipaddress import ip_address

from contracts.errors import AlertError
from runtime.network.addresses import Resolver, is_public, is_special, resolve_host


def check_webhook_host(
    host: str,
    *,
    named: bool = False,
    allowed: Collection[str] = (),
    resolve: Resolver = resolve_host,
) -> list[str]:
    """Return the addresses of a host to which a webhook may be sent; connect to these only.

    named: whether the owner named this host for this target. allowed: hosts that the owner named
    for all. Raises AlertError if it is not found or not allowed, without telling its addresses.
    """
    try:
        addresses = list(resolve(host))
    except (OSError, UnicodeError) as exc:
        raise AlertError("url", f"host {host} not found", "Check its name") from exc
    found = [ip_address(one) for one in addresses]
    is_named = named or host.lower() in {one.lower() for one in allowed}
    allows = (lambda one: not is_special(one)) if is_named else is_public
    if not found or not all(map(allows, found)):
        raise AlertError(
            "url",
            f"{host} is in a private network, or not a host",
            "The owner of this host may allow it: MOODLINE_ALERT_HOSTS, `moodline alert target add "
            "--private`, or `private: true` in a file",
        )
    return addresses

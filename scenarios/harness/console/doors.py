"""Who may come in: roles by their tokens, and nobody through somebody else's browser.

A token travels in the fragment of a URL, which browsers neither send nor put into `Referer`, and
from the page in an `Authorization` header, which no other site can make a browser send. There is
no cookie, so there is nothing that a foreign page could ride on. `Host` and `Origin` are checked
besides, against names that were bent to this machine (DNS rebinding) and cross-site calls.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from scenarios.harness.console.day import Role
from scenarios.harness.console.refusal import FORBIDDEN, NOBODY, Refused
from scenarios.harness.errors import UsageError
from simulator.access import BEARER
from simulator.admin import LOCAL_NAMES

TOKEN_BYTES: Final = 24
SHORTEST_TOKEN: Final = 16
OWN_SITES: Final = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of our own page and of a typed address."""


@dataclass(frozen=True, slots=True)
class Doors:
    """The tokens, and from where they open."""

    facilitator: str
    observer: str
    from_elsewhere: bool
    """Whether other machines may come in: only with tokens that were chosen for it."""
    names: frozenset[str] = frozenset()
    """Under which this machine may be called, besides local names and addresses."""

    def role(self, headers: Mapping[str, str]) -> Role:
        """Whose token came with a call.

        Raises:
            Refused: nobody's.
        """
        given = headers.get("authorization", "")
        token = given[len(BEARER) :] if given[: len(BEARER)].lower() == BEARER else ""
        role = self._role_of(token)
        if role is None:
            raise Refused(
                "The console needs a token: open the URL that was given to you.", status=NOBODY
            )
        return role

    def is_token(self, key: str) -> bool:
        """Whether what came as an API key is one of the tokens, which open no API."""
        return self._role_of(key) is not None

    def check_way(self, headers: Mapping[str, str], peer: str, scheme: str) -> None:
        """Whether a call may come this way at all, whatever its token.

        Raises:
            Refused: it came from another machine, under a strange name, or for another site.
        """
        if not (self.from_elsewhere or is_loopback(peer)):
            raise Refused(
                "The console answers this machine only; start it with tokens of your own.",
                status=FORBIDDEN,
            )
        host = headers.get("host", "").lower()
        if not self._is_known(host):
            raise Refused("The console is not known under this name.", status=FORBIDDEN)
        origin = headers.get("origin")
        foreign = origin is not None and origin.lower() != f"{scheme}://{host}"
        if foreign or headers.get("sec-fetch-site", "none") not in OWN_SITES:
            raise Refused("The console answers its own page only.", status=FORBIDDEN)

    def _is_known(self, host: str) -> bool:
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name in LOCAL_NAMES:
            return True
        return self.from_elsewhere and (name in self.names or is_address(name.strip("[]")))

    def _role_of(self, token: str) -> Role | None:
        raw = token.encode("utf-8", "surrogateescape")
        facilitator = hmac.compare_digest(raw, self.facilitator.encode())
        observer = hmac.compare_digest(raw, self.observer.encode())
        return Role.FACILITATOR if facilitator else Role.OBSERVER if observer else None


def open_doors(facilitator: str | None, observer: str | None, names: tuple[str, ...]) -> Doors:
    """The doors with the tokens that were given, or with fresh ones for this machine only.

    Raises:
        UsageError: the tokens can be guessed or confused.
    """
    if facilitator is None and observer is None:
        if names:
            raise UsageError(
                "serve: --console-name is for other machines, which need tokens of your own.",
                fix="Give --facilitator-token and --observer-token.",
            )
        return Doors(
            secrets.token_urlsafe(TOKEN_BYTES),
            secrets.token_urlsafe(TOKEN_BYTES),
            from_elsewhere=False,
        )
    if facilitator is None or observer is None or facilitator == observer:
        raise UsageError(
            "serve: facilitator and observers need a token each.",
            fix="Give --facilitator-token and --observer-token, two different ones, or neither.",
        )
    for token in (facilitator, observer):
        if (
            len(token) < SHORTEST_TOKEN
            or not token.isascii()
            or not token.isprintable()
            or (" " in token)
        ):
            raise UsageError(
                f"serve: a token has {SHORTEST_TOKEN} characters or more, all ASCII, and no space.",
                fix="Leave both options out, and fresh ones are made.",
            )
    return Doors(facilitator, observer, True, frozenset(name.lower() for name in names))


def is_loopback(peer: str) -> bool:
    """Whether a caller sits on this machine."""
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return False


def is_address(name: str) -> bool:
    """Whether a host is given by its number, which no name server can bend."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True

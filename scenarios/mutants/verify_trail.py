"""Mutants of `verify_trail`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Engine

from controls.audit import Verification, verify_trail
from scenarios.harness.mutants import Kind, mutant

Verify = Callable[[Engine], Verification]


@mutant(verify_trail, Kind.REMOVED)
def believes_it(right: Verify) -> Verify:
    """Reads the trail, and finds every trail in order."""
    return lambda engine: replace(right(engine), tampering=())


@mutant(verify_trail, Kind.HALF)
def says_that_and_not_where(right: Verify) -> Verify:
    """Finds that something was changed, and not what."""

    def verify(engine: Engine) -> Verification:
        said = right(engine)
        vague = tuple(replace(found, where="the trail") for found in said.tampering)
        return replace(said, tampering=vague)

    return verify


@mutant(verify_trail, Kind.OFF_BY_ONE)
def names_the_neighbour(right: Verify) -> Verify:
    """Leaves out the first find: the one to look at."""

    def verify(engine: Engine) -> Verification:
        said = right(engine)
        return replace(said, tampering=said.tampering[1:])

    return verify


@mutant(verify_trail, Kind.FAILS_OPEN)
def trusts_what_it_can_read(right: Verify) -> Verify:
    """Takes a changed entry that is well-formed for a whole one."""

    def verify(engine: Engine) -> Verification:
        said = right(engine)
        kept = (found for found in said.tampering if not found.where.startswith("entry"))
        return replace(said, tampering=tuple(kept))

    return verify

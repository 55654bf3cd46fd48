"""`gameday watch` and `gameday alerts`: hear of what goes wrong at the account, and answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from controls.alert_book import AlertBook, KnownAlert
from controls.watch import REPEAT, Watch
from scenarios.harness import desk
from scenarios.harness.desk import FAILED, AlertUrls, By, StoreUrl, Why, opened, say, the_pager

app = typer.Typer(help="What the watch has found, and who answers.", no_args_is_help=True)


def watch(
    team: Annotated[str | None, typer.Option(help="Only the jobs of this team.")] = None,
    every: Annotated[
        float | None, typer.Option(min=0.01, help="Look again after so many minutes, for ever.")
    ] = None,
    repeat: Annotated[
        float, typer.Option(min=0.01, help="Hours after which an unanswered alert is told again.")
    ] = REPEAT.total_seconds() / 3_600,
    owner: Annotated[
        str, typer.Option(help="Who hears of batches that belong to no job.")
    ] = "account owner",
    ours: Annotated[bool, typer.Option("--ours", help="Leave out batches of others.")] = False,  # noqa: FBT002 - a flag
    alert: AlertUrls = None,
    store: StoreUrl = "",
) -> None:
    """Look over all batches of the account, once or for ever, and tell what is wrong.

    Exit code 1: something waits for an answer.
    """
    with desk.service() as client, opened(store) as ledger:
        eye = Watch(
            client,
            ledger,
            the_pager(alert),
            repeat=timedelta(hours=repeat),
            team=team,
            owner=owner,
            strangers=not ours,
        )
        found = eye.look()
        while every is not None:
            _show(found)
            desk.the_clock().sleep(timedelta(minutes=every))
            found = eye.look()
    _show(found)
    if any(one.waits for one in found):
        raise typer.Exit(FAILED)


@app.command("list")
def list_alerts(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,  # noqa: FBT002 - a flag
    store: StoreUrl = "",
) -> None:
    """List alerts: number, since when, who has it, what it is."""
    with opened(store) as ledger:
        _show(AlertBook(ledger).alerts(over=every))


@app.command()
def acknowledge(
    numbers: Annotated[
        list[int] | None,
        typer.Argument(help="Numbers from `list`; all that wait when none is given."),
    ] = None,
    by: By = "",
    why: Why = "",
    store: StoreUrl = "",
) -> None:
    """Take alerts on: they are told no more. Who and when stand in the ledger."""
    with opened(store) as ledger:
        book = AlertBook(ledger)
        chosen = numbers or [alert.id for alert in book.alerts() if alert.waits]
        taken = [book.acknowledge(number, by=by, why=why) for number in chosen]
    for alert in taken:
        say(f"{alert.acknowledged_by} has alert {alert.id}: {alert.finding.what}")


def _show(alerts: list[KnownAlert]) -> None:
    for one in alerts:
        state = "over" if one.over else one.acknowledged_by or f"open, told {one.paged} times"
        say(f"{one.id:>7}  {one.at:%Y-%m-%d %H:%M}  {state:<20}  {one.owner}: {one.finding.what}")

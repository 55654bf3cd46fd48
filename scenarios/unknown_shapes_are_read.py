"""Drill: a service grows, a closed type breaks."""

from controls import BatchRunner
from scenarios import AddsUpTheCost, EveryRowAnswered, ExpectsEveryKey, NoRowPaidTwice, World, drill
from simulator.faults import (
    KeysMissing,
    ModelDiffers,
    ShapeVariations,
    UnknownKeys,
    UsageKeysMissing,
    ZuluTimestamps,
)


@drill(
    defends_against="changes of the service",
    each=[
        [UnknownKeys(spare_batches=1), ExpectsEveryKey()],
        [KeysMissing(spare_batches=1), ExpectsEveryKey()],
        [ZuluTimestamps(spare_batches=1), ExpectsEveryKey()],
        [ShapeVariations(spare_batches=1), ExpectsEveryKey()],
        [ModelDiffers(0.1, spare_batches=1), AddsUpTheCost()],
        [UsageKeysMissing(0.1, spare_batches=1), AddsUpTheCost()],
    ],
    controls=[BatchRunner],
    checks=[EveryRowAnswered(), NoRowPaidTwice()],
)
def unknown_shapes_are_read(world: World) -> None:
    """Keys more or less, another time format or model name cost no row.

    Batches and messages get keys that nobody knows and lose those that may be null; an alias is
    answered with a dated model. Whoever reads into closed types, or prices each answer by a table
    of names, dies of it after the money is spent.
    """
    world.run(world.rows(200))

"""Drill: every check passed, and it is still wrong."""

from controls import Staging
from scenarios import LABELS_OF_THE_JOB, RecordCleanOrRestored, World, drill
from simulator.faults import WrongButValid


@drill(
    defends_against="bad write to production",
    faults=[WrongButValid(share=0.2, labels=LABELS_OF_THE_JOB, spare_batches=1)],
    controls=[Staging],
    checks=[RecordCleanOrRestored()],
    at_least=200,
)
def bad_write_is_rolled_back(world: World) -> None:
    """A promotion that turns out to be wrong is undone, byte for byte.

    After a clean canary the model starts to give valid but wrong labels. They pass every gate and
    are promoted. Two hours later somebody notices. Without before-images the best that an operator
    can do is delete the new rows; what stood there before is gone.
    """
    world.run(world.rows(600))
    world.operator.reverses_what_is_wrong()

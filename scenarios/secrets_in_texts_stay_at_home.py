"""Drill: people type what nobody has asked for."""

from controls import SensitiveText
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    NoSecretSent,
    OtherTextsUntouched,
    SecretsInTheText,
    World,
    drill,
)


@drill(
    defends_against="leaked column",
    sabotage=[SecretsInTheText()],
    controls=[SensitiveText],
    checks=[NoSecretSent(), OtherTextsUntouched(), EveryRowAccountedFor(), DamageIsHeard()],
)
def secrets_in_texts_stay_at_home(world: World) -> None:
    """Cards, accounts, keys and addresses in free text are not sent, however they are written.

    They stand there with spaces and without, in small letters, in the query of a link, in base64
    behind a log line. Rows without any of it go out exactly as they are.
    """
    world.run(world.rows(200))

"""What a user of the harness did wrong, with the way out. Exit code 2."""


class UsageError(Exception):
    """The command or its input was wrong; `fix` says how to mend it."""

    def __init__(self, what: str, *, fix: str) -> None:
        super().__init__(f"{what} {fix}")
        self.what = what
        self.fix = fix

"""What we or the user did wrong, with the way out. What the service says is never one of these."""


class ControlError(Exception):
    """Something a person has to mend; `fix` says how."""

    def __init__(self, what: str, *, fix: str) -> None:
        super().__init__(f"{what} {fix}")
        self.what = what
        self.fix = fix

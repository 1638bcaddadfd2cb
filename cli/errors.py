"""What a person got wrong, told without a stack trace."""


class RefusedError(Exception):
    """The command cannot do what it was asked for; nothing was tried."""


class NotFoundError(RefusedError):
    """What the command was asked about does not exist."""

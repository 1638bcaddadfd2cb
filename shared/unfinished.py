"""Work that one invocation cannot finish."""


class UnfinishedError(Exception):
    """The function has stored its progress, and has to be called again to continue.

    It is no failure: the state machine calls the function again at once.
    """

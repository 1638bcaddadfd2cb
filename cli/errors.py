"""The errors of the commands themselves. `cli.app` prints them in one line, without a stack trace."""


class RefusedError(Exception):
    """The command cannot do what the operator asked for. It has not attempted anything."""


class NotFoundError(RefusedError):
    """The file, object, load, execution or stack that the operator named does not exist."""


class QueryError(RefusedError):
    """InfluxDB answered a query with an error, or not at all, so nothing is known about the points."""

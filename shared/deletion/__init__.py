"""The deletion of stale points: `plan` decides with which requests, `requests` says what a request removes.

Nothing in this package sends a request. Only functions/delete_points does, started by a person.
"""

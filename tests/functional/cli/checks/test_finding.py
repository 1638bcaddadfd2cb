"""The result of one check."""

from cli.checks.finding import ok, problem


def test_only_what_is_not_as_it_should_be_has_advice() -> None:
    assert ok("it runs") == ("ok", "it runs", "")
    assert problem("it stands still", "start it") == ("problem", "it stands still", "start it")

"""The checks of the source bucket. test_doctor.py runs them against a deployment."""

from cli.checks.source import judge_key


def test_a_key_by_its_id_belongs_to_the_account_of_the_bucket() -> None:
    assert judge_key("0a1b2c3d", "123456789012").verdict == "ok"
    assert judge_key("", "123456789012").detail == "a key that AWS manages"

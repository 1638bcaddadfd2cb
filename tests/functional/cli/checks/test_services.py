"""The checks of what the stack created. test_doctor.py runs them against a deployment."""

from cli.checks.services import judge_subscriptions


def test_a_subscription_counts_when_it_is_confirmed() -> None:
    pending = {"SubscriptionArn": "PendingConfirmation", "Endpoint": "a@example.com"}
    confirmed = {"SubscriptionArn": "arn:aws:sns:us-east-1:123456789012:alarms:1", "Endpoint": "b@example.com"}
    assert judge_subscriptions([pending, confirmed]) == ("ok", "alarms go to b@example.com", "")
    assert "a@example.com has not confirmed" in judge_subscriptions([pending]).detail
    assert judge_subscriptions([]).verdict == "problem"

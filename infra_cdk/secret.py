"""The secret that holds the InfluxDB token, so that no template contains the token."""

from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct


class TokenSecret(Construct):
    """The existing secret `existing_name`, or else a new one.

    Secrets Manager generates a random value for a new secret; the operator replaces it with the token.
    """

    def __init__(self, scope: Construct, construct_id: str, *, existing_name: str, key: kms.IKey | None) -> None:
        super().__init__(scope, construct_id)
        self.secret: secretsmanager.ISecret
        if existing_name:
            self.secret = secretsmanager.Secret.from_secret_name_v2(self, "Secret", existing_name)
        else:
            self.secret = secretsmanager.Secret(
                self,
                "Secret",
                description="The loader's InfluxDB token. Replace the generated value with it.",
                encryption_key=key,
            )

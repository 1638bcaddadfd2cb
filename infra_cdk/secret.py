"""The InfluxDB token: a secret, never a part of the template."""

from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct


class TokenSecret(Construct):
    """`secret` is the one called `existing_name`, else a new one, whose generated value the operator replaces."""

    def __init__(self, scope: Construct, construct_id: str, *, existing_name: str, key: kms.IKey | None) -> None:
        super().__init__(scope, construct_id)
        self.secret: secretsmanager.ISecret
        if existing_name:
            self.secret = secretsmanager.Secret.from_secret_name_v2(self, "Secret", existing_name)
        else:
            self.secret = secretsmanager.Secret(
                self, "Secret", description="The loader's InfluxDB token: put it here", encryption_key=key
            )

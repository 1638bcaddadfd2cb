"""The two buckets: where files land, and where loads work and report."""

from aws_cdk import Duration
from aws_cdk import aws_s3 as s3
from constructs import Construct

STAGING_DAYS = 7


class Storage(Construct):
    """`source` holds the user's files, every version of them; `work` holds what loads stage, set aside and report."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.source = self._bucket("Source", versioned=True)
        self.work = self._bucket("Work", versioned=False)
        self._notify_eventbridge(self.source)
        self.work.add_lifecycle_rule(prefix="staging/", expiration=Duration.days(STAGING_DAYS))

    def _bucket(self, construct_id: str, *, versioned: bool) -> s3.Bucket:
        """Private, encrypted, TLS only; kept when the stack goes."""
        return s3.Bucket(
            self,
            construct_id,
            versioned=versioned,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1))],
        )

    def _notify_eventbridge(self, bucket: s3.Bucket) -> None:
        """CloudFormation's own property: the L2's `event_bridge_enabled` brings a function and a role of its own."""
        bucket.node.default_child.add_property_override(  # type: ignore[union-attr]
            "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", value=True
        )

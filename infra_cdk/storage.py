"""The two buckets: where files land, and where loads work and report."""

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra_cdk.config import StorageConfig

STAGING_DAYS = 7


class Storage(Construct):
    """`source` holds the user's files, every version of them; `work` holds what loads stage, set aside and report.

    A source bucket that exists stays as it is: that it sends its events to EventBridge is its owner's to switch on.
    """

    def __init__(self, scope: Construct, construct_id: str, *, config: StorageConfig, key: kms.IKey | None) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self.source = self._existing(config.source_bucket_name) if config.source_bucket_name else self._new_source()
        self.work = self._bucket("Work", versioned=False)
        self.work.add_lifecycle_rule(prefix="staging/", expiration=Duration.days(STAGING_DAYS))

    def _existing(self, name: str) -> s3.IBucket:
        return s3.Bucket.from_bucket_name(self, "Source", name)

    def _new_source(self) -> s3.IBucket:
        """Told to EventBridge by CloudFormation's own property: the L2's brings a function and a role of its own."""
        bucket = self._bucket("Source", versioned=True)
        bucket.node.default_child.add_property_override(  # type: ignore[union-attr]
            "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", value=True
        )
        return bucket

    def _bucket(self, construct_id: str, *, versioned: bool) -> s3.Bucket:
        """Private, encrypted, TLS only; kept when the stack goes."""
        return s3.Bucket(
            self,
            construct_id,
            versioned=versioned,
            encryption=s3.BucketEncryption.KMS if self._key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=self._key,
            bucket_key_enabled=True if self._key else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1))],
        )

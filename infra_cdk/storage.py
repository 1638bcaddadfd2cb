"""The source bucket, which holds the files to load, and the work bucket, which holds what loads write."""

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra_cdk.config import StorageConfig

STAGING_DAYS = 7
REPORTS = ("reports/", "backfills/")


class Storage(Construct):
    """The two buckets: `source` for the user's files, `work` for staged chunks, the quarantine and reports.

    The stack does not change an existing source bucket: its owner must turn on events to EventBridge.
    """

    def __init__(self, scope: Construct, construct_id: str, *, config: StorageConfig, key: kms.IKey | None) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self.source = (
            self._import_source(config.source_bucket_name)
            if config.source_bucket_name
            else self._create_source(config.noncurrent_version_days)
        )
        self.work = self._create_bucket("Work", versioned=False)
        self.work.add_lifecycle_rule(prefix="staging/", expiration=Duration.days(STAGING_DAYS))
        self.work.add_lifecycle_rule(prefix="deletions/", expiration=Duration.days(config.deletion_days))
        if config.report_days:
            for prefix in REPORTS:
                self.work.add_lifecycle_rule(prefix=prefix, expiration=Duration.days(config.report_days))

    def _import_source(self, name: str) -> s3.IBucket:
        return s3.Bucket.from_bucket_name(self, "Source", name)

    def _create_source(self, noncurrent_version_days: int) -> s3.IBucket:
        """Create a bucket that sends its events to EventBridge."""
        bucket = self._create_bucket("Source", versioned=True)
        if noncurrent_version_days:
            bucket.add_lifecycle_rule(noncurrent_version_expiration=Duration.days(noncurrent_version_days))
        # The L2 property `event_bridge_enabled` would add a Lambda function and a role to set this one property.
        bucket.node.default_child.add_property_override(  # type: ignore[union-attr]
            "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", value=True
        )
        return bucket

    def _create_bucket(self, construct_id: str, *, versioned: bool) -> s3.Bucket:
        """Create a private, encrypted bucket that requires TLS and is kept when the stack is deleted."""
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

"""What each function may do, and on what. Logs and traces are granted where the function is made."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager


def permissions(
    *, source: s3.IBucket, work: s3.IBucket, token: secretsmanager.ISecret
) -> dict[str, list[iam.PolicyStatement]]:
    """By function name. The key patterns are those of `shared/work_bucket.py`."""
    return {
        "check_health": [_read_token(token)],
        "validate_schema": [*_read(source, "*"), _write(work, "staging/findings/*")],
        "convert_and_chunk": [*_read(source, "*"), _write(work, "staging/*", "quarantine/*")],
        "write_batch": [
            *_read(work, "staging/*"),
            _write(work, "staging/*/outcomes/*", "quarantine/*"),
            _read_token(token),
        ],
        "report_load": [*_read(work, "staging/*"), _write(work, "reports/*")],
    }


def _read(bucket: s3.IBucket, keys: str) -> list[iam.PolicyStatement]:
    """Any version. Without ListBucket, S3 answers 403 where an object is absent."""
    versions = ["s3:GetObject", *(["s3:GetObjectVersion"] if keys == "*" else [])]
    return [_allow(versions, bucket.arn_for_objects(keys)), _allow(["s3:ListBucket"], bucket.bucket_arn)]


def _write(bucket: s3.IBucket, *keys: str) -> iam.PolicyStatement:
    return _allow(["s3:PutObject"], *(bucket.arn_for_objects(pattern) for pattern in keys))


def _read_token(token: secretsmanager.ISecret) -> iam.PolicyStatement:
    arn = token.secret_full_arn or f"{token.secret_arn}-??????"
    return _allow(["secretsmanager:GetSecretValue"], arn)


def _allow(actions: list[str], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=list(resources))

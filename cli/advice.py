"""Errors as an operator reads them: one line that says what is wrong, and one that says what to do next.

They are errors of the command itself. `cli.remedies` describes errors that ended a load, of which only the names are
known.
"""

from botocore.exceptions import ClientError

from cli.documents import document
from cli.errors import RefusedError
from shared.errors import LoaderError, UnknownDatasetError

SIGN_IN = "set the variables that `make cloud` printed, or sign in to AWS (`aws configure` or `aws sso login`)"
SIGN_IN_AGAIN = "sign in again (`aws sso login`)"
PERMISSIONS = f"ask for the permissions of these commands, which {document('permissions.md')} lists"
CHECK_ENDPOINT = "check that the local cloud (`make cloud`) is still running, or unset AWS_ENDPOINT_URL to use AWS"
CHECK_NETWORK = "check that this machine can reach AWS: its network, its proxy (HTTPS_PROXY), and AWS_ENDPOINT_URL"
CHECK_CLOCK = "check the clock of this machine, and sign in again (`aws sso login`)"
WAIT = (
    "run the command again in a minute: AWS is rate-limiting requests, or has a problem (https://health.aws.amazon.com)"
)
NEXT_STEPS = {
    "NoRegionError": SIGN_IN,
    "NoCredentialsError": SIGN_IN,
    "PartialCredentialsError": SIGN_IN,
    "ProfileNotFound": "set AWS_PROFILE to one of the profiles that `aws configure list-profiles` prints",
    "EndpointConnectionError": CHECK_ENDPOINT,
    "ConnectTimeoutError": CHECK_NETWORK,
    "ReadTimeoutError": CHECK_NETWORK,
    "ConnectionClosedError": CHECK_NETWORK,
    "ProxyConnectionError": CHECK_NETWORK,
    "SSLError": "set AWS_CA_BUNDLE to the certificate of the authority that signed the endpoint's",
    "ResponseParserError": "check AWS_ENDPOINT_URL and the proxy: something other than AWS answered",
    "SSOTokenLoadError": SIGN_IN_AGAIN,
    "UnauthorizedSSOTokenError": SIGN_IN_AGAIN,
    "TokenRetrievalError": SIGN_IN_AGAIN,
    "CredentialRetrievalError": SIGN_IN_AGAIN,
    "ExpiredToken": SIGN_IN_AGAIN,
    "ExpiredTokenException": SIGN_IN_AGAIN,
    "RequestExpired": CHECK_CLOCK,
    "RequestTimeTooSkewed": CHECK_CLOCK,
    "SignatureDoesNotMatch": CHECK_CLOCK,
    "InvalidSignatureException": CHECK_CLOCK,
    "400": SIGN_IN_AGAIN,
    "InvalidClientTokenId": SIGN_IN,
    "InvalidAccessKeyId": SIGN_IN,
    "UnrecognizedClientException": SIGN_IN,
    "403": PERMISSIONS,
    "AccessDenied": PERMISSIONS,
    "AccessDeniedException": PERMISSIONS,
    "Throttling": WAIT,
    "ThrottlingException": WAIT,
    "TooManyRequestsException": WAIT,
    "ProvisionedThroughputExceededException": WAIT,
    "SlowDown": WAIT,
    "InternalError": WAIT,
    "InternalFailure": WAIT,
    "InternalServerError": WAIT,
    "ServiceUnavailable": WAIT,
    "500": WAIT,
    "503": WAIT,
}
"""The next step by the class name of botocore's error, or by the error code of AWS.

S3 answers a HEAD request without a body, so that only the HTTP status is known.
"""

REPORT_DEFECT = (
    "this is a defect of the loader: run the command again as `loader --debug …`, and report the stack trace"
)

AWS_PACKAGES = ("boto3", "botocore", "s3transfer")


def error_text(error: Exception) -> str:
    """Return one line about the error. Errors other than RefusedError start with a name that can be looked up."""
    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return " ".join(f"{type(error).__name__}: {error}".split())


def next_step(error: Exception) -> str:
    """Return what to do about an error of AWS, its client, or the loader; "" if the error says all that we know."""
    if isinstance(error, UnknownDatasetError):
        return "for files of a new dataset, `loader suggest FILE` proposes the declaration"
    if is_defect(error):
        return REPORT_DEFECT
    if isinstance(error, ClientError):
        return NEXT_STEPS.get(error.response["Error"]["Code"], "")
    if isinstance(error.__context__, ClientError):  # boto3 wraps the error of an upload, and forgets its code
        return next_step(error.__context__)
    return NEXT_STEPS.get(type(error).__name__, "") if _is_of_aws(error) else ""


def is_defect(error: Exception) -> bool:
    """Return whether nobody expects such an error: it is neither ours, nor one of AWS or of the operating system."""
    return not (isinstance(error, RefusedError | LoaderError | OSError) or _is_of_aws(error))


def _is_of_aws(error: Exception) -> bool:
    return any(kind.__module__.partition(".")[0] in AWS_PACKAGES for kind in type(error).__mro__)

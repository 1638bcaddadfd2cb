"""Self-signed certificates, which clients reject unless a test makes them trust one."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def create_self_signed(folder: Path, *, address: str = "127.0.0.1", days: int = 1) -> tuple[SSLContext, Path]:
    """Create a certificate for `address`, and return a server's TLS context and the certificate's PEM file.

    Args:
        folder: The folder to write the certificate and its key to.
        address: The IP address that the certificate is valid for.
        days: The days until it expires; a negative number creates an expired certificate.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    pem, key_pem = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(_certificate(key, address, days).public_bytes(serialization.Encoding.PEM))
    key_pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key_pem)
    return context, pem


def _certificate(key: ec.EllipticCurvePrivateKey, address: str, days: int) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "influx")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )

"""TLS between the deployed functions and InfluxDB: they write only to servers with a trusted certificate."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from ssl import SSLContext

import pytest

from tests.support.certificates import create_self_signed
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.fault_proxy import Exchange, FaultProxy, fault_proxy, pass_on
from tests.support.faults import close_afterwards
from tests.support.trial import ROWS, Trial, six_batches

pytestmark = pytest.mark.slow


@contextmanager
def behind_tls(app: DeployedApp, folder: Path, tls: SSLContext, ca_bundle: Path | str) -> Iterator[Trial]:
    """A trial of an InfluxDB behind this certificate; `proxy` remembers every request, not only writes."""
    table = unique_records(folder, "generation", ROWS)
    with fault_proxy(app.cloud.influx.url, lambda _: True, tls) as proxy, trusting(app, proxy, ca_bundle):
        yield Trial(app=app, proxy=proxy, folder=folder, table=table)


def trusting(app: DeployedApp, proxy: FaultProxy, ca_bundle: Path | str) -> AbstractContextManager[None]:
    """The app writing through the proxy."""
    return six_batches(app, INFLUXDB_URL=proxy.url, INFLUXDB_CA_BUNDLE=str(ca_bundle))


def test_a_certificate_of_an_unknown_authority_ends_the_load_until_its_bundle_is_configured(
    app: DeployedApp, tmp_path: Path
) -> None:
    tls, pem = create_self_signed(tmp_path)
    with behind_tls(app, tmp_path, tls, "") as trial:
        check_refused(trial)
        with trusting(app, trial.proxy, pem):
            trial.check_loaded(trial.load_again())
        assert trial.proxy.exchanges


@pytest.mark.parametrize("wrong", [{"days": -1}, {"address": "127.0.0.2"}], ids=["expired", "another name"])
def test_a_wrong_certificate_ends_the_load_though_its_authority_is_trusted(
    app: DeployedApp, tmp_path: Path, wrong: dict[str, object]
) -> None:
    tls, pem = create_self_signed(tmp_path, **wrong)  # type: ignore[arg-type]
    with behind_tls(app, tmp_path, tls, pem) as trial:
        check_refused(trial)


def check_refused(trial: Trial) -> None:
    """Check that the load fails at once and says what to do, and that the server receives and stores nothing."""
    execution = trial.load()
    assert (execution.error, execution.response["statusCode"]) == ("UntrustedCertificateError", 500)
    assert execution.response["data"]["key"] == trial.key
    assert "INFLUXDB_CA_BUNDLE" in execution.response["message"]
    assert trial.app.failed_calls(execution) == 1
    assert trial.proxy.exchanges == []
    assert trial.points_stored == 0


def test_a_certificate_that_goes_bad_in_the_middle_of_a_load_ends_it(app: DeployedApp, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    tls, pem = create_self_signed(tmp_path)
    _, other = create_self_signed(tmp_path / "other")

    def replaced(exchange: Exchange) -> None:
        tls.load_cert_chain(other, other.with_name("key.pem"))
        exchange.reset()

    with behind_tls(app, tmp_path, tls, pem) as trial:
        # CheckHealth pings, looks for the bucket, and tries an empty write.
        trial.proxy.set_faults(pass_on, pass_on, pass_on, replaced, always=close_afterwards)
        execution = trial.load()
        assert trial.proxy.fired_faults[0] == "replaced"
        trial.check_failed(execution, "UntrustedCertificateError", 500)
        assert app.failed_calls(execution) == 1
        tls.load_cert_chain(pem, pem.with_name("key.pem"))
        trial.check_converges()

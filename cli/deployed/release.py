"""A comparison of the deployed release with this checkout, whose code `loader plan` runs."""

from typing import Literal, NamedTuple

from cli.deployed.stack import Deployment
from shared.code_digest import code_digest, datasets_digest

Comparison = Literal["same", "differs", "not checkable"]


class Release(NamedTuple):
    """The comparison of the code, and of the datasets, which are part of it. A former release has no digests."""

    code: Comparison = "not checkable"
    datasets: Comparison = "not checkable"

    @property
    def warning(self) -> str:
        """The meaning of the comparison for a prediction; "" if the deployment runs the same code."""
        if self.code == "same":
            return ""
        if self.code == "not checkable":
            return (
                "the deployment does not tell which code it runs, because an older release deployed it: it may load "
                "the file differently. Deploy it again"
            )
        what = "datasets differ" if self.datasets == "differs" else "code differs"
        return (
            f"the deployed {what} from this checkout, so the deployment may load the file differently: check out the "
            "release that is deployed, or deploy this one"
        )


def compare_release(deployment: Deployment) -> Release:
    """Compare the digests in the stack's outputs with those of this checkout."""
    outputs = deployment.outputs
    return Release(
        code=_compare(outputs.get("CodeDigest"), code_digest()),
        datasets=_compare(outputs.get("DatasetsDigest"), datasets_digest()),
    )


def _compare(deployed: str | None, local: str) -> Comparison:
    if deployed is None:
        return "not checkable"
    return "same" if deployed == local else "differs"

"""The existing VPC."""

from aws_cdk import aws_ec2 as ec2
from constructs import Construct


def import_vpc(scope: Construct, vpc_id: str) -> ec2.IVpc:
    """Return the VPC without looking it up.

    `from_vpc_attributes` requires an availability zone, but the zone is unused: every caller passes subnets.
    """
    return ec2.Vpc.from_vpc_attributes(scope, "Vpc", vpc_id=vpc_id, availability_zones=["any"])

"""The contract of InfluxDB's API for what it rejects: equal for the local gateway and for INFLUXDB_URL."""

import re
import time

import pytest

from tests.support.influx_api import TIME_NS, InfluxApi, message, status_and_code


@pytest.mark.parametrize("points", [1, 5000])
@pytest.mark.parametrize(
    "malformed",
    [
        "",
        " ",
        " f=",
        " f=NaN",
        " f=inf",
        " f=1.2.3",
        " f=+1",
        " f=1 soon",
        " f=1 9223372036854775807",
        " f=1\r",
        ' f="open',
        ",tag= f=1",
        ",tag f=1",
        ",tag=a,tag=b f=1",
        ",tag=a=b f=1",
        ",tag=a\\ f=1",
    ],
)
def test_one_malformed_line_rejects_the_whole_body(api_2: InfluxApi, malformed: str, points: int) -> None:
    good = [f" f=1 {TIME_NS + number}" for number in range(points)]
    response = api_2.write_points(*good, malformed, f" f=2 {TIME_NS + points}")
    assert status_and_code(response) == (400, "invalid")
    assert api_2.stored_rows() == []


def test_a_field_of_another_type_is_dropped_and_the_rest_written(api_2: InfluxApi) -> None:
    assert api_2.write_points(f" f=1 {TIME_NS}").status_code == 204
    response = api_2.write_points(f" f=2i {TIME_NS + 1}", f" f=3 {TIME_NS + 2}")
    assert status_and_code(response) == (422, "unprocessable entity")
    assert "field type conflict" in response.json()["message"]
    assert "dropped=1" in response.json()["message"]
    assert api_2.stored_rows() == [[TIME_NS, 1], [TIME_NS + 2, 3]]


RETENTION = re.compile(
    r"failure writing points to database: partial write: dropped (\d+) points outside retention policy of duration "
    r"1h0m0s - oldest point (\S+) at (\S+Z) dropped because it violates a Retention Policy Lower Bound at (\S+Z), "
    r"newest point (\S+) at (\S+Z) dropped because it violates a Retention Policy Lower Bound at \4 "
    r"dropped=\1 for database: ([0-9a-f]{16}) for retention policy: autogen"
)


def test_points_older_than_the_retention_period_are_rejected_and_the_others_written(api_2: InfluxApi) -> None:
    now_ns = time.time_ns()
    with api_2.new_bucket(retention_s=3600) as bucket:
        response = api_2.write_points(
            ",b=2,a=1 f=1 1500000000000000000", " f=2 1600000000500000000", f" f=3 {now_ns}", bucket=bucket["name"]
        )
        assert status_and_code(response) == (422, "unprocessable entity")
        assert [row[:2] for row in api_2.stored_rows(bucket["name"])] == [[now_ns, 3]]
        match = RETENTION.fullmatch(message(response))
        assert match, message(response)
        count, oldest, oldest_time, _, newest, newest_time, bucket_id = match.groups()
        assert (count, bucket_id) == ("2", bucket["id"])
        assert (oldest, oldest_time) == (f"{api_2.series},a=1,b=2", "2017-07-14T02:40:00Z")
        assert (newest, newest_time) == (api_2.series, "2020-09-13T12:26:40.5Z")


def test_an_old_point_is_written_beside_a_newer_one_of_its_shard_group(api_2: InfluxApi) -> None:
    with api_2.new_bucket(retention_s=3600) as bucket:
        group_ns = bucket["retentionRules"][0]["shardGroupDurationSeconds"] * 10**9
        oldest_ns = time.time_ns() - 3600 * 10**9
        end_ns = (oldest_ns // group_ns + 1) * group_ns
        if end_ns - oldest_ns < 5 * 10**9:  # the shard group ends before the request arrives
            time.sleep(5)
            oldest_ns, end_ns = oldest_ns + 5 * 10**9, end_ns + group_ns
        old, newer = f" f=1 {oldest_ns - 1}", f" f=2 {end_ns - 1}"
        assert status_and_code(api_2.write_points(old, bucket=bucket["name"])) == (422, "unprocessable entity")
        assert api_2.write_points(old, newer, bucket=bucket["name"]).status_code == 204
        assert [row[1] for row in api_2.stored_rows(bucket["name"])] == [1, 2]


@pytest.mark.parametrize("key", ["time", "_field", "_measurement", "\0"])
def test_reserved_tag_keys_reject_the_whole_body(api_2: InfluxApi, key: str) -> None:
    response = api_2.write_points(f" f=1 {TIME_NS}", f",a=b,{key}=c f=1 {TIME_NS}")
    quoted = key.replace("\0", "\\x00")
    assert status_and_code(response) == (400, "invalid")
    assert message(response).endswith(f'f=1 {TIME_NS}\': cannot use reserved tag key "{quoted}"')
    assert api_2.stored_rows() == []


LONG = "k" * 65_536


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (" f=1e400", "invalid float"),
        (" f=-1e309", "invalid float"),
        (f" f={2**63}i", "value out of range"),
        (f" f=-{2**63 + 1}i", "value out of range"),
        (f" {LONG}=1", "max key length exceeded"),
        (f",tag={LONG} f=1", "max key length exceeded"),
        (f" f=1 {2**63}", "value out of range"),
        (f" f=1 {2**63 - 1}", "time outside range -9223372036854775806 - 9223372036854775806"),
    ],
    ids=["1e400", "-1e309", "2^63", "-2^63-1", "field_key", "series_key", "time_2^63", "time_2^63-1"],
)
def test_what_is_out_of_range_rejects_the_whole_body(api_2: InfluxApi, line: str, reason: str) -> None:
    response = api_2.write_points(f" f=1 {TIME_NS}", line)
    assert status_and_code(response) == (400, "invalid")
    assert reason in message(response)
    assert api_2.stored_rows() == []


def test_an_unsigned_integer_is_written_and_conflicts_with_a_float(api_2: InfluxApi) -> None:
    assert api_2.write_points(f" f=1u {TIME_NS}", f' g=2,s="a=1u" {TIME_NS + 1}').status_code == 204
    assert api_2.stored_rows() == [[TIME_NS, 1, None, None], [TIME_NS + 1, None, 2, "a=1u"]]
    response = api_2.write_points(f" g=1u {TIME_NS}")
    assert status_and_code(response) == (422, "unprocessable entity")
    assert "is type unsigned, already exists as type float" in message(response)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "missing fields"),
        (" f", "invalid field format"),
        (" f=1,g", "invalid field format"),
        (" f=", "missing field value"),
        (" =1", "missing field key"),
        (",=a f=1", "missing tag key"),
        (",tag= f=1", "missing tag value"),
        (",tag=a=b f=1", "invalid tag format"),
        (",tag=a,tag=b f=1", "duplicate tags"),
        (" f=1.2.3", "invalid number"),
        (" f=NaN", "invalid number"),
        (" f=yes", "invalid boolean"),
        (" f=1 soon", "bad timestamp"),
        (' f="open', "unbalanced quotes"),
        (" f=1 1 1", "point is invalid"),
    ],
)
def test_a_malformed_line_has_the_parsers_reason(api_2: InfluxApi, line: str, reason: str) -> None:
    response = api_2.write_points(f" f=1 {TIME_NS}", line)
    assert status_and_code(response) == (400, "invalid")
    assert message(response) == f"unable to parse '{api_2.series}{line}': {reason}"


def test_every_malformed_line_has_its_reason(api_2: InfluxApi) -> None:
    assert message(api_2.write(b"m f=1.2.3 1\nm f=1\n,a=b f=1\nm,time=a f=1 1\nm f=yes")).splitlines() == [
        "unable to parse 'm f=1.2.3 1': invalid number",
        "unable to parse ',a=b f=1': missing measurement",
        "unable to parse 'm,time=a f=1 1': cannot use reserved tag key \"time\"",
        "unable to parse 'm f=yes': invalid boolean",
    ]


def test_a_field_called_time_is_not_stored(api_2: InfluxApi) -> None:
    assert api_2.write_points(f" time=1,f=2 {TIME_NS}").status_code == 204
    assert api_2.stored_rows() == [[TIME_NS, 2]]

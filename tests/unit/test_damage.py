"""Damaged and encrypted files raise a named error, and never another one or a crash."""

import base64
import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from functions.convert_and_chunk.part import read_records
from functions.convert_and_chunk.row_groups import PartReader
from functions.validate_schema.footer import read_footer, row_group_rows
from functions.validate_schema.parts import plan_parts
from shared.errors import CorruptParquetError, DataError, EncryptedParquetError
from tests.support.builders import generation, parquet
from tests.support.conversion import GENERATION, SETTINGS


def convert(content: bytes) -> int:
    """Read the file as ValidateSchema and ConvertAndChunk do, and return the number of rows."""
    footer = read_footer(io.BytesIO(content), "a file").metadata
    rows = 0
    for part in plan_parts(row_group_rows(footer)):
        reader = PartReader(io.BytesIO(content), part, "a file")
        records = read_records(reader, part["rows"], GENERATION, SETTINGS)
        records.judge_repeated_points()
        rows += sum(batch.num_rows for batch in reader.rows_at(records.verdicts.lines))
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_bytes_changed_anywhere_are_refused_by_name_or_change_values_only(seed: int) -> None:
    names = [f"plant {row % 7}" for row in range(200)]
    options = {"compression": ["snappy", "zstd", "none"][seed], "use_dictionary": seed != 2, "row_group_size": 60}
    whole = parquet(generation(200, plant_name=names), write_page_checksum=True, **options)
    chance, refused = random.Random(seed), 0  # noqa: S311 -- no secret
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 2, 5))):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            assert convert(bytes(content)) <= 200
        except DataError:
            refused += 1
    assert refused > 50


def test_a_footer_whose_row_groups_hold_another_number_of_rows_is_damage() -> None:
    """The test tries each byte that might hold the footer's number: Thrift writes 33 as 66."""
    content, messages = parquet(generation(33)), set()
    for place in (place for place, byte in enumerate(content) if byte == 2 * 33):
        try:
            read_footer(io.BytesIO(content[:place] + bytes([2 * 34]) + content[place + 1 :]), "a file")
        except CorruptParquetError as error:
            messages.add(str(error))
    assert "a file: the footer counts 34 rows but its row groups 33: write the file again" in messages


class Keys(pe.KmsClient):  # type: ignore[misc]
    """Keys that are not secret."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:  # noqa: ARG002
        return base64.b64encode(key_bytes)


@pytest.mark.parametrize("plaintext_footer", [True, False])
def test_an_encrypted_file_is_told_as_such(plaintext_footer: bool) -> None:  # noqa: FBT001
    config = pe.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": ["power_mw"]}, plaintext_footer=plaintext_footer
    )
    factory = pe.CryptoFactory(lambda _: Keys())
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    sink, table = pa.BufferOutputStream(), generation(3)
    with pq.ParquetWriter(sink, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    with pytest.raises(EncryptedParquetError):
        convert(sink.getvalue().to_pybytes())

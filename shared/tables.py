"""Delta and Iceberg tables: a table removes files long before it deletes them, so the loader may load removed files."""


def metadata_folders(key: str) -> list[str]:
    """Return the folders that hold the metadata of a table, if the file with this key is one of its data files.

    A table may have folders `name=value/` for its partitions, of which `dataset=` may be the first one. Iceberg stores
    its data files in a folder `data/` next to `metadata/`.

    >>> metadata_folders("lake/dataset=plants/region=N/a.parquet")
    ['lake/dataset=plants/_delta_log/', 'lake/_delta_log/']
    >>> metadata_folders("lake/plants/data/region=N/a.parquet")
    ['lake/plants/data/_delta_log/', 'lake/plants/metadata/']
    """
    folders = key.split("/")[:-1]
    while folders and "=" in folders[-1] and not folders[-1].startswith("dataset="):
        folders.pop()
    metadata = [[*folders, "_delta_log"]]
    if folders and folders[-1].startswith("dataset="):
        metadata.append([*folders[:-1], "_delta_log"])
    if folders and folders[-1] == "data":
        metadata.append([*folders[:-1], "metadata"])
    return ["/".join([*folder, ""]) for folder in metadata]


def describe_table(name: str) -> str:
    """Return the warning of files that no longer belong to a table, but are still in its folder, which has this name.

    >>> describe_table("s3://lake/plants/")[:55]
    's3://lake/plants/ is the folder of a Delta or Iceberg t'
    """
    return (
        f"{name} is the folder of a Delta or Iceberg table: files that were removed from the table may have been "
        "loaded, too. To load only its current files, list them in a file and run `loader backfill --manifest FILE` "
        "(docs/datasets.md, Tables)."
    )

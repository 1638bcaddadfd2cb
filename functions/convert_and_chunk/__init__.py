"""State ConvertAndChunk: one part of a Parquet file becomes line protocol, in gzip members of one batch each."""

"""The environment variables of memory allocators. Benchmarks set them too, without the CDK."""

RETURN_MEMORY = {
    "MIMALLOC_ARENA_EAGER_COMMIT": "0",
    "MALLOC_MMAP_THRESHOLD_": "2097152",
    "MALLOC_TRIM_THRESHOLD_": "4194304",
}
"""Make the allocators hold only what ConvertAndChunk uses, since it limits itself by the memory of its process.

Arrow's mimalloc takes memory as it is needed, and glibc gives arrays of 2 MiB or more back once they are freed, instead
of keeping the space for later arrays of another size: 233 MiB instead of 280 for a file of 10 million rows, for a few
percent more processor time. It keeps up to 4 MiB at the end of its heap for the next arrays: by default, it returns
what is beyond 128 KiB once the other threshold is set, and the kernel clears the same pages for each body again.
"""

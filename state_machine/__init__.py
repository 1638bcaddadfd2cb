"""The state machines that chain the functions, and their diagram."""

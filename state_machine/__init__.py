"""The state machine that chains the functions, and its diagram."""

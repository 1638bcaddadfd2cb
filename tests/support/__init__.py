"""Builders, scripted servers and fault injection that the tests share."""

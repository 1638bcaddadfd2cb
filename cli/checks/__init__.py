"""The checks of `loader doctor`: each looks at one thing that a deployment needs, and says what to do about it."""

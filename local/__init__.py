"""The local cloud: an AWS emulator and a real InfluxDB engine on the loopback interface, for tests and the demo."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"

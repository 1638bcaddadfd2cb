"""The installed program: its help, and Ctrl-C while it is still being imported."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

LOADER = Path(sys.executable).with_name("loader")

SLOW = """
import signal, sys, time
class Slow:
    def find_spec(self, name, *_):
        if name == "cli.app":
            print("importing", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
from cli.main import main
main()
"""


def test_the_program_is_installed() -> None:
    shown = subprocess.run([LOADER, "--help"], capture_output=True, text=True, check=True)
    assert "Load Parquet files from Amazon S3 into InfluxDB." in shown.stdout


def test_ctrl_c_while_it_is_imported_ends_it_without_a_stack_trace() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdout
    assert process.stdout.readline() == "importing\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")

#!/usr/bin/python3
"""The command; see parity/cli.py."""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parents[1] / 'deploy' / 'sandbox')]

from parity.cli import main      # noqa: E402

if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))

"""`python -m productops.local`: what `script/server` runs once everything is installed."""

from __future__ import annotations

import os
import sys

from productops.local.serve import main

sys.exit(main(os.environ, with_demo="--without-demo" not in sys.argv[1:]))

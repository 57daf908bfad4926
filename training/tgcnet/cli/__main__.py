"""``python -m tgcnet.cli``: the same as ``tgcnet``."""

import sys

from tgcnet.cli import main

sys.exit(main())

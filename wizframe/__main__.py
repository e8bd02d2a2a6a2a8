"""``python -m wizframe`` is the command ``wizframe``."""

from wizframe.cli import main

raise SystemExit(main())

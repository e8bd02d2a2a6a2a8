"""``python -m wizframe`` is the command ``wizframe``."""

from wizframe.cli.commands import main

raise SystemExit(main())

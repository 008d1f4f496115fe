"""The `platform` command as a module; that a status is not healthy is no failure of a measurement."""

import sys

from platform_assets.cli import main

if __name__ == "__main__":
    try:
        main()
    except SystemExit as ended:
        sys.exit(0 if ended.code in (0, 1) else ended.code)

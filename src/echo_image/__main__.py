"""`python -m echo_image` is the same as `echo-image`."""

import sys

from echo_image.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""``python -m converter`` is the command ``edgespec-converter``."""

from converter.cli import main

main()

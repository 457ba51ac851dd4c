"""``python -m wonderland`` is the command line."""

from wonderland.cli.main import main

if __name__ == "__main__":
    main()

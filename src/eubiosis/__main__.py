"""``python -m eubiosis`` is the command line."""

from eubiosis.cli.main import main

if __name__ == "__main__":
    main()

"""`python -m nanoclaw` is `nanoclaw`."""

from nanoclaw.cli.main import main

if __name__ == "__main__":
    main()

"""`python -m darkroom`: the command line."""

from darkroom.cli import main

if __name__ == "__main__":
    main()

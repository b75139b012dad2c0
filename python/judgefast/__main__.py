"""`python -m judgefast` is the command `judgefast`."""

from judgefast.cli import main

if __name__ == "__main__":
    main()

"""The command line of judgefast."""

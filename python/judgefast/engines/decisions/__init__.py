"""Judges that answer typed questions about a state with probabilities, and write no text.

What goes between the parts of this room is in `asked.py`.
"""

"""A rubric that names the best of three answers by X, Y or Z."""

from __future__ import annotations

RUBRIC = """\
name = "best-of-3"
mode = "choice"
[[aspects]]
name = "quality"
criterion = "Which is best?"
[[template.blocks]]
text = '''
[Question]
{question}
[Answers]
{answers}
{criterion}
'''
[verdict]
name = "label"
labels = [{ text = "X", choice = 0 }, { text = "Y", choice = 1 }, { text = "Z", choice = 2 }]
"""

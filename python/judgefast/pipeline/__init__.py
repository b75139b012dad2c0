"""The whole way of the data. The only package that knows all stages.

datasets -> prompts -> batches -> engines -> verdicts -> outcomes -> stats -> reports

`run` tells the story; each other module is one chapter of it: `judge` (rubric, engine, prompts),
`directory` (rows, manifest, resume), `plan`, `ask`, `results`, `tables`, `item_view`, `stream`.
"""

"""Stage 8 of 8: everything known about a run -> report, JSON, one item whole, tables, progress.

* `report`: the two parts of a report, and the check that no row was lost;
* `text`, `as_json`: a report for a person, and for a machine;
* `show`: one item whole; `export`: one wide row an outcome; `progress`: the line while it runs;
* `inert`: the one door that data pass before they reach a terminal or a spreadsheet.

Import from the modules; this package itself loads nothing.
"""

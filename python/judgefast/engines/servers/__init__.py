"""A judge behind an HTTP server of its own: `vllm serve` with the settings of today, started here.

In the order of a start: `need` and `gpus` (what is asked for), `presets` (what is known of the
model, beside its sizes in the catalogue), `arguments` and `retired` (what the user adds), `plan`
(all of it to one set of flags), `recipes` (the same as text) or `process` and `ready` (a server
that runs and answers).

Page for its users: `docs/serving.md`. vLLM is never imported here.
"""

"""A model in a process of its own: started, spoken to, watched, replaced.

A damaged file, a driver or an unlucky request kills or hangs the process that runs a model; so it
is one that an engine can kill and start again. What engines of this kind share is here.
"""

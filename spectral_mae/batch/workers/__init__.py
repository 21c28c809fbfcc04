"""Processes of this machine that work for a run.

- `processes`: processes that may be lost: an executor whose workers are limited, watched and
  replaced.
- `server`: the process that starts workers: it loads what they need once, and they are copies of
  it.
"""

"""Pipelines to be put on trial with `gameday verify`: three naive ones, and two that hold.

`python -m scenarios.examples` makes the scoreboard of the README.
"""

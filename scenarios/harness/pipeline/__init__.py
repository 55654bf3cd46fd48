"""`gameday verify`: the pipeline under test is the user's, in any language, looked at from outside.

`trial.py` says what is asked, `places.py` copies the sink for each arm, `process.py` runs the
pipeline, `service.py` and `model.py` are its service, `evidence.py` and `judging.py` make the
record and the report, `outside.py` says which drills apply, `day.py` holds it together.
"""

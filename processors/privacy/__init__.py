"""The privacy policy: what becomes of personal data before a typed record is written. Off by default.

policy.py      the file, rule by rule
leaves.py      what a schema says of its fields: class, type, where a delivery has them
decisions.py   which rule decides a field, and what of a policy no schema bears out
protect.py     the stage between canonicalise and fan_out
report.py      every personal field of every topic, and what becomes of it
"""

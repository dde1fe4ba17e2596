"""Agents that are source code: kept as facts, run in boxes, rewritten by themselves, and judged by what they gain.

A version of an agent is one or two Python files of the standard library. It has no network, no files and no secrets: it gets plain
JSON, may ask the run's proposer back-end for edits, and what it returns is a claim that passes the same gates as any proposal.
"""

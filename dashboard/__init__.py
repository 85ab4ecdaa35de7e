"""The web dashboard: one package a page, and the frame around them in `web`.

It reads through analytics and records. It holds no SQL and no part of the pipeline.
"""

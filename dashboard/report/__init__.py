"""The report of one run, as a single HTML file: the data of its charts, template and styles.

It loads nothing. The command line writes it too, so it needs no web server.
"""

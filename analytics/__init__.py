"""The read side: answers, reports and exports from the records, and the jobs that maintain them.

No frame is decoded or analysed here, and nothing is drawn: that is for the pages and commands.
"""

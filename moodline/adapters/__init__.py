"""What the dashboard asks of the stages: implementations of the interfaces in `dashboard.web`.

Files and cameras that strangers may control are opened in child processes.
"""

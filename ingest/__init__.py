"""Sources: opens and decodes them, and publishes their frames to the broker.

`files/` reads recordings, `live/` reads cameras and streams; the modules beside them serve both.
Finds no faces (inference_worker) and keeps no records except the progress of runs.
"""

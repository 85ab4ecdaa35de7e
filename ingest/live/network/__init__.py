"""Connections to network sources. FFmpeg itself connects to none of them.

An HTTP body is read by `http_client` and given to FFmpeg as a file. For RTSP, FFmpeg connects to
`rtsp_relay` on loopback. Both connect through `connector`, which checks every address.
"""

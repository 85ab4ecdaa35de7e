"""Cameras of the local network, and their streams, by WS-Discovery and ONVIF."""

"""Connections to an MQTT broker. The only package that imports paho."""

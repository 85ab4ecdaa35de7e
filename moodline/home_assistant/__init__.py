"""The live sources as devices of Home Assistant, over MQTT."""

"""Distributed engines that exist already, as bringers of wake-ups to workers on other machines."""

"""Everything that waits, spawns, opens or asks the time; what it means is decided in `core`."""

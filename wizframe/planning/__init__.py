"""Compare a frame with its baseline. Pure: no client, no HTTP."""

"""Compare a frame with its baseline. This stage has no client and no HTTP."""

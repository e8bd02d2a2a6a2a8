"""HTTP to one service: connections, retries, the rate limit, the API key."""

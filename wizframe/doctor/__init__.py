"""Check this machine and the account, for a bug report."""

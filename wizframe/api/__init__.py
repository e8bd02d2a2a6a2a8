"""The service's operations on plain records, its two dialects, and complete lists."""

"""Update a loaded frame to the service's current records."""

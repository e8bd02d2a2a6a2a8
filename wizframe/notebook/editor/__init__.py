"""The editing grid."""

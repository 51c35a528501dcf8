"""The order service: one folder for each thing that the business says."""

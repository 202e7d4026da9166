"""What people see of a search: progress, figures, reports, tables."""

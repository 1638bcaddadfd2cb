"""State ValidateSchema: one pinned object, its footer against its dataset, and the plan of its parts."""

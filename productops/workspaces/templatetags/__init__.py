"""Tags of the admin's lists."""

"""The roadmap's resources. The storey above extends the item's."""

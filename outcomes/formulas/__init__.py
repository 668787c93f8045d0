"""Pure arithmetic over facts: frozen dataclasses in and out, no Django."""

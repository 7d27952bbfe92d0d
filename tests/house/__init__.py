"""The roof: settings, entries, errors, health, start."""

"""The architecture and the documentation, held by tests."""

"""Tests mirror the tree; the cast comes from world.py."""

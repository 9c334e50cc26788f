"""The stores: one module for each storage that has ways of its own, and `generic` for all others."""

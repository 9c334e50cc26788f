"""vfscore: one tree out of many storages."""

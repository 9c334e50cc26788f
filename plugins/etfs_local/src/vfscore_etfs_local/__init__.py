"""etfs backend for the files and directories of the host."""

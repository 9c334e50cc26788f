"""etfs backend for everything that fsspec reaches: ``proto://…`` URLs, chained ``…::…`` URLs and fsspec file systems.

This release claims the place and registers nothing yet: it has no hook, so such a source is still refused.
"""

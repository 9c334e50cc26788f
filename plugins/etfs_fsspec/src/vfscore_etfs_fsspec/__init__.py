"""etfs backend for everything that fsspec reaches: ``proto://…`` URLs, chained ``…::…`` URLs and fsspec file systems.

This release keeps the place and registers nothing yet: it has neither hook nor entry point, so such a
source is still refused.
"""

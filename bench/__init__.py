"""The bench: the product beside plain psycopg doing the same durable, ordered work, in the same minute on the same server.

`make bench` runs it; README.md says what is measured and holds the figures. Nothing here is imported by the product.
"""

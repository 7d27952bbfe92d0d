"""A working day in minutes: Python phones in the field and at desks, against a running server, and the reckoning afterwards.

Clients only: nothing here touches the database or imports the server's code.
"""

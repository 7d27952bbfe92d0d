"""The demo city: divisions from the code list, shapes from `rules.city`, its units and its people."""

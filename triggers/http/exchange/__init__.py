"""How a request is read and its answer written, whatever it asks: bodies, pages of a list, problems, conditional
answers, and requests that are repeated. Who may ask is judged in `triggers.http.dispatch`."""

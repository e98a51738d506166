"""The pages, a module each: what one reads of the API, and what its template is given."""

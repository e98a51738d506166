"""What the infrastructure has to be for a configuration: data that the templates in `infra/` loop over.

The templates have the structure. Here is what the code knows: event filters, queues, roles, settings, hosts.
"""

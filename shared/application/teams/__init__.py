"""Use cases about teams: whose a record or an orchestration is, and how much of its quotas a team has used."""

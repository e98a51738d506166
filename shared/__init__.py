"""What triggers, orchestrators and activities share: decisions, contracts, ports, and the vendors behind them."""

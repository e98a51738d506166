"""Managed online endpoints: their deployments, the processes behind them, and scoring."""

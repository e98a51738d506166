"""Online endpoints, managed and on Kubernetes: their deployments, the processes behind them, scoring and its log."""

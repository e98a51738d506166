"""Activities of promotion: evidence, verdicts, approvals, receipts, and the moves of each stage."""

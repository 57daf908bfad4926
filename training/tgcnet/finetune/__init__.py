"""Fine-tuning on corrections: from a ledger and a parent model to a candidate."""

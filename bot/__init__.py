"""WeChat in, WeChat out: knows no ledger, no topic and no role."""

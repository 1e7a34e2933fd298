"""How well models predict real tables: chainrule beside what people would use instead."""

"""chainrule behind the interfaces of other libraries."""
